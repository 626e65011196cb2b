"""Law 1 for what explanations show: logits, residual stream and attention are those of GPT2LMHeadModel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.inspector import HEAD_ROWS, LoadedInspector
from gptcli.errors import DeviceError, ModelError
from gptcli.explaining.lens import lens
from gptcli.explaining.surprisal import surprisals
from tests import scoring
from tests.classifiers import save_random_classifier
from tests.conftest import save_random_gpt2
from tests.inspecting import all_logits, loaded, reference, tokens_of
from tests.laws.test_parity import VARIANTS

FEW = settings(max_examples=12)
CONTEXT = 48  # the tiny model's
TEXTS = st.lists(st.integers(0, 95), min_size=1, max_size=CONTEXT)
CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 0}


def assert_transformers(model: LoadedInspector, ids: list[int]) -> None:
    """Compare all that a trace holds, and the logits."""
    theirs = reference(model.directory, ids)
    trace = model.inspector.trace(tokens_of(ids))
    np.testing.assert_allclose(trace.residual[:-1], theirs.states[:-1], **CLOSE)
    np.testing.assert_allclose(trace.hidden, theirs.states[-1], **CLOSE)
    for layer, expected in enumerate(theirs.attentions):
        np.testing.assert_allclose(trace.attention(layer), expected, **CLOSE)
    np.testing.assert_allclose(all_logits(model, ids), theirs.logits, **CLOSE)
    for layer, expected in enumerate([*theirs.lens, theirs.logits]):
        predicted = model.inspector.predict(np.ascontiguousarray(trace.residual[layer]))
        np.testing.assert_allclose(predicted, expected, **CLOSE)


@FEW
@given(ids=TEXTS)
def test_a_text_of_any_length_is_read_as_by_transformers(tiny: Path, backend_name: str, ids: list[int]) -> None:
    assert_transformers(loaded(tiny, backend_name), ids)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_gpt2_is_read_as_by_transformers(tmp_path: Path, backend_name: str, variant: str) -> None:
    directory = save_random_gpt2(tmp_path, **VARIANTS[variant])
    assert_transformers(loaded(directory, backend_name), list(range(1, 40)))


@pytest.mark.parametrize("layers", [1, 7])
def test_any_number_of_layers_is_traced(tmp_path: Path, backend_name: str, layers: int) -> None:
    directory = save_random_gpt2(tmp_path, n_layer=layers, n_positions=9)
    assert_transformers(loaded(directory, backend_name), list(range(1, 10)))


def test_a_text_longer_than_a_chunk_of_the_head_is_predicted_from_any_position_on(
    tmp_path: Path, backend_name: str
) -> None:
    directory = save_random_gpt2(tmp_path, n_positions=HEAD_ROWS * 2 + 43, spread=0.1)
    ids = [1 + number * number % 95 for number in range(HEAD_ROWS * 2 + 43)]
    theirs = reference(directory, ids).logits
    for start in (0, 42, HEAD_ROWS, len(ids) - 1):
        np.testing.assert_allclose(all_logits(loaded(directory, backend_name), ids, start), theirs[start:], **CLOSE)


@FEW
@given(ids=TEXTS)
def test_rows_of_attention_sum_to_one_and_never_look_ahead(tiny: Path, backend_name: str, ids: list[int]) -> None:
    trace = loaded(tiny, backend_name).inspector.trace(tokens_of(ids))
    for layer in range(2):
        weights = trace.attention(layer)
        assert weights.shape == (4, len(ids), len(ids))
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
        assert (weights >= 0).all()
        assert not np.triu(weights, 1).any()


@FEW
@given(ids=TEXTS, data=st.data())
def test_what_follows_changes_nothing_before_it(
    tiny: Path, backend_name: str, ids: list[int], data: st.DataObject
) -> None:
    model, length = loaded(tiny, backend_name), data.draw(st.integers(1, len(ids)))
    part, whole = (model.inspector.trace(tokens_of(text)) for text in (ids[:length], ids))
    np.testing.assert_allclose(part.residual, whole.residual[:, :length], atol=1e-5)
    np.testing.assert_allclose(part.attention(1), whole.attention(1)[:, :length, :length], atol=1e-5)


def test_a_trace_stays_as_it_is_when_another_text_is_read(tiny: Path, backend_name: str) -> None:
    inspector = loaded(tiny, backend_name).inspector
    trace = inspector.trace(tokens_of([5, 6, 7]))
    before = [trace.residual.copy(), trace.hidden.copy(), trace.attention(0), trace.attention(1)]
    inspector.trace(tokens_of([9, 8, 7]))
    list(inspector.logits(tokens_of([1, 2, 3])))
    inspector.predict(trace.hidden)
    after = [trace.residual, trace.hidden, trace.attention(0), trace.attention(1)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@FEW
@given(ids=TEXTS, data=st.data())
def test_the_lens_at_the_last_layer_is_the_models_own_prediction(
    tiny: Path, backend_name: str, ids: list[int], data: st.DataObject
) -> None:
    model, position = loaded(tiny, backend_name), data.draw(st.integers(0, len(ids) - 1))
    layers = lens(model.inspector, model.inspector.trace(tokens_of(ids)), position, 96)
    own = all_logits(model, ids)[position].astype(np.float64)
    expected = np.exp(own - np.logaddexp.reduce(own))
    assert [layer.layer for layer in layers] == [0, 1, 2]
    for token, probability in layers[-1].top:
        assert probability == pytest.approx(expected[token], abs=1e-5)
    assert layers[-1].entropy == pytest.approx(-(expected * np.log(expected)).sum(), abs=1e-4)


@FEW
@given(ids=st.lists(st.integers(0, 95), min_size=1, max_size=CONTEXT + 1), data=st.data())
def test_surprisal_sums_to_the_log_likelihood(
    tiny: Path, backend_name: str, ids: list[int], data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, len(ids)))
    found = list(surprisals(loaded(tiny, backend_name).inspector, tokens_of(ids), start, 0))
    assert [each.token for each in found] == ids[start:]
    ((scores,),) = scoring.scored(scoring.loaded(tiny, backend_name), scoring.items_of([scoring.span(ids, start)]))
    np.testing.assert_allclose([each.logprob for each in found], scores.logprobs, **CLOSE)
    assert [each.rank == 1 for each in found] == scores.greedy.tolist()


def test_int8_shows_what_it_predicts_itself(builtin: Path) -> None:
    model, exact = loaded(builtin, "onnx", "int8"), loaded(builtin, "onnx")
    ids = model.tokenizer.encode("Once upon a time there was a fox who ran.")
    for length in (len(ids), len(ids) - 1):  # the kernel takes rows in pairs
        trace = model.inspector.trace(tokens_of(ids[:length]))
        logits = all_logits(model, ids[:length])
        np.testing.assert_allclose(model.inspector.predict(trace.residual[-1]), logits, atol=1e-3)
        np.testing.assert_allclose(trace.attention(3).sum(axis=-1), 1, atol=1e-6)
        float32 = exact.inspector.trace(tokens_of(ids[:length]))
        assert np.abs(trace.attention(0) - float32.attention(0)).max() < 0.05
        assert not np.array_equal(trace.residual, float32.residual)
    ((scores,),) = scoring.scored(scoring.loaded(builtin, "onnx", "int8"), scoring.items_of([scoring.span(ids)]))
    found = [each.logprob for each in surprisals(model.inspector, tokens_of(ids), 1, 0)]
    np.testing.assert_allclose(found, scores.logprobs, atol=1e-2)


def test_half_precision_is_traced_in_float32(tiny: Path) -> None:
    half, exact = (
        loaded(tiny, "torch", dtype).inspector.trace(tokens_of([5, 6, 7])) for dtype in ("bfloat16", "float32")
    )
    assert half.residual.dtype == half.attention(0).dtype == np.float32
    np.testing.assert_allclose(half.attention(0).sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(half.residual[0], exact.residual[0], atol=0.05)


def test_a_model_that_computes_no_number_is_refused(tmp_path: Path, backend_name: str) -> None:
    directory = save_random_gpt2(tmp_path, spread=float("nan"))
    model = loaded(directory, backend_name)
    with pytest.raises(ModelError, match="predicts no number"):
        model.inspector.trace(tokens_of([1, 2]))
    with pytest.raises(ModelError, match="predicts no number"):
        list(surprisals(model.inspector, tokens_of([1, 2]), 1, 0))


@pytest.mark.parametrize("ask", ["trace", "logits", "predict"])
def test_a_device_that_is_full_is_told_with_a_remedy(tiny: Path, monkeypatch: pytest.MonkeyPatch, ask: str) -> None:
    """What went to the device for a lens, and its layer norm, ended in a traceback."""
    import torch

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    inspector: Any = loaded(tiny, "torch").inspector
    monkeypatch.setattr(inspector._model.transformer.ln_f, "forward", full)
    given = np.zeros((1, 32), np.float32) if ask == "predict" else tokens_of([5])
    with pytest.raises(DeviceError, match="or use a smaller model"):
        list(getattr(inspector, ask)(given))


def test_a_classifier_has_nothing_to_predict(tmp_path: Path, backend_name: str) -> None:
    with pytest.raises(ModelError):
        loaded(save_random_classifier(tmp_path, "bad", "good"), backend_name)
