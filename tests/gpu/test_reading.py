"""Law 1 on a GPU for what is scored, classified and explained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gptcli.engine.classifier import load_classifier
from gptcli.engine.inspector import LoadedInspector, load_inspector
from gptcli.engine.scorer import Span, load_scorer
from gptcli.explaining.attribution import open_attributor
from tests import inspecting
from tests.classifiers import logits, reference_logits, save_random_classifier
from tests.gpu.models import DEVICE, located, options, reference
from tests.inspecting import all_logits, tokens_of
from tests.scoring import items_of, scored, span

CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 0}
TEXT = list(range(1, 41))
HALVES = ["bfloat16", "float16"]


def expected_scores(directory: Path, one: Span) -> np.ndarray[Any, Any]:
    """Return transformers' log probabilities of a span that is read alone, on the device."""
    ids = torch.from_numpy(one.tokens[:-1].astype(np.int64))[None].to(DEVICE)
    with torch.no_grad():
        logprobs = torch.log_softmax(reference(directory)(ids).logits[0], dim=-1).cpu().numpy()
    places = np.arange(one.start - 1, len(one.tokens) - 1)
    found: np.ndarray[Any, Any] = logprobs[places, one.tokens[one.start :]]
    return found


@pytest.mark.parametrize("prefix", [[], TEXT[:9]], ids=["alone", "behind a prefix"])
@pytest.mark.parametrize("most_tokens", [16, 16384])
def test_loglikelihoods_are_transformers_of_each_span_alone(tiny: Path, prefix: list[int], most_tokens: int) -> None:
    model = load_scorer(located(tiny), options())
    model.scorer.most_tokens = most_tokens
    begun = [span([*TEXT[:9], *rest], 9) for rest in ([5], [6, 7], [5, 8, 9])]
    items = items_of([span([*TEXT, 3, 4])], begun, [span(TEXT[:30], 12), span(TEXT[:10], 10)])
    for ours, item in zip(scored(model, items, prefix), items, strict=True):
        for found, one in zip(ours, item.spans, strict=True):
            np.testing.assert_allclose(found.logprobs, expected_scores(tiny, one), **CLOSE)


@pytest.mark.parametrize("dtype", HALVES)
def test_loglikelihoods_in_half_precision_are_near_those_of_float32(tiny: Path, dtype: str) -> None:
    items = items_of([span(TEXT)], [span(TEXT[:20], 7)])
    exact, half = (scored(load_scorer(located(tiny), options(kind)), items) for kind in ("float32", dtype))
    for one, other in zip(exact, half, strict=True):
        np.testing.assert_allclose(other[0].logprobs, one[0].logprobs, atol=0.5)


def test_a_classifiers_logits_are_transformers_of_each_row_alone(tmp_path: Path) -> None:
    directory = save_random_classifier(tmp_path, "bad", "good", "so-so")
    rows = [TEXT[:length] for length in (1, 7, 40, 3, 22)]
    model = load_classifier(located(directory), options())
    for row, ours in zip(rows, logits(model, rows), strict=True):
        np.testing.assert_allclose(ours, reference_logits(directory, row), **CLOSE)


@pytest.mark.parametrize("dtype", HALVES)
def test_a_classifier_in_half_precision_is_near_the_one_in_float32(tmp_path: Path, dtype: str) -> None:
    directory = save_random_classifier(tmp_path, "bad", "good", "so-so")
    rows = [TEXT[:length] for length in (1, 7, 40)]
    exact, half = (logits(load_classifier(located(directory), options(kind)), rows) for kind in ("float32", dtype))
    np.testing.assert_allclose(half, exact, atol=0.3)


def inspector(directory: Path, dtype: str = "float32") -> LoadedInspector:
    """Return an inspector on the device."""
    return load_inspector(located(directory), options(dtype))


def test_what_an_explanation_shows_is_transformers(tiny: Path) -> None:
    model, theirs = inspector(tiny), inspecting.reference(tiny, TEXT)
    trace = model.inspector.trace(tokens_of(TEXT))
    np.testing.assert_allclose(trace.residual[:-1], theirs.states[:-1], **CLOSE)
    np.testing.assert_allclose(trace.hidden, theirs.states[-1], **CLOSE)
    for layer, expected in enumerate(theirs.attentions):
        np.testing.assert_allclose(trace.attention(layer), expected, **CLOSE)
        np.testing.assert_allclose(trace.attention(layer).sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(all_logits(model, TEXT), theirs.logits, **CLOSE)
    predicted = model.inspector.predict(np.ascontiguousarray(trace.residual[1]))
    np.testing.assert_allclose(predicted, theirs.lens[1], **CLOSE)


@pytest.mark.parametrize("dtype", HALVES)
def test_attention_sums_to_one_in_half_precision_too(tiny: Path, dtype: str) -> None:
    trace = inspector(tiny, dtype).inspector.trace(tokens_of(TEXT))
    for layer in range(2):
        np.testing.assert_allclose(trace.attention(layer).sum(axis=-1), 1, atol=1e-6)


def test_attributions_are_complete(tiny: Path) -> None:
    attributor = open_attributor(located(tiny), options())
    computing = attributor.integrated_gradients(tokens_of(TEXT[:12]), 5)
    while True:
        try:
            next(computing)
        except StopIteration as end:
            found = end.value
            break
    assert found.completeness_error <= 0.01
    assert found.logprob == pytest.approx(float(expected_scores(tiny, span([*TEXT[:12], 5], 12))[0]), abs=1e-4)
