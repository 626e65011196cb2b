"""Attribution equals plain torch around GPT2LMHeadModel, and integrated gradients sum to what they share out."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.checkpoint.locate import Located
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, ModelError
from gptcli.explaining.attribution import TOLERANCE, Attribution, Attributor, GradientsTaken, open_attributor
from tests.conftest import save_random_gpt2
from tests.inspecting import tokens_of

TEXT = (5, 17, 0, 42, 9, 9, 80, 3)
TARGET = 33


@cache
def opened(directory: Path) -> Attributor:
    """Return what computes attributions, opened once."""
    return open_attributor(Located(name=directory.name, directory=directory), ModelOptions(device="cpu"))


def plain(directory: Path, ids: tuple[int, ...], target: int, points: list[float]) -> tuple[Any, Any]:
    """Return values (points,) and scores (points, tokens) on the line from zero, by plain torch in float64."""
    import torch
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(directory, attn_implementation="eager").double().eval()
    embeddings = model.get_input_embeddings()(torch.tensor(ids)).detach()
    inputs = (torch.tensor(points, dtype=torch.float64)[:, None, None] * embeddings).requires_grad_()
    logprobs = model(inputs_embeds=inputs).logits[:, -1].log_softmax(-1)[:, target]
    logprobs.sum().backward()
    return logprobs.detach().numpy(), (inputs.grad * embeddings).sum(-1).numpy()


def integrated(
    attributor: Attributor, ids: tuple[int, ...], target: int, told: list[GradientsTaken] | None = None
) -> Attribution:
    """Return integrated gradients, and put what was told on the way into a list."""
    computing = attributor.integrated_gradients(tokens_of(ids), target)
    while True:
        try:
            taken = next(computing)
        except StopIteration as end:
            found: Attribution = end.value
            return found
        if told is not None:
            told.append(taken)


def missed(found: Attribution) -> float:
    """Return how far the scores' sum is from the difference, as a share of the difference."""
    return abs(found.scores.sum() - found.difference) / abs(found.difference)


def test_gradient_x_input_equals_plain_autograd(tiny: Path) -> None:
    found = opened(tiny).gradient_x_input(tokens_of(TEXT), TARGET)
    values, scores = plain(tiny, TEXT, TARGET, [0.0, 1.0])
    np.testing.assert_allclose(found.scores, scores[1], rtol=1e-3, atol=1e-4)
    assert (found.baseline_logprob, found.logprob) == pytest.approx(values, abs=1e-4)
    assert found.gradients == 1


def test_integrated_gradients_equal_a_fine_sum_of_plain_autograd(tiny: Path) -> None:
    found = integrated(opened(tiny), TEXT, TARGET)
    steps = 400
    _, scores = plain(tiny, TEXT, TARGET, [(step + 0.5) / steps for step in range(steps)])
    assert found.scores == pytest.approx(scores.mean(axis=0), abs=0.02 * abs(found.difference))
    ends, _ = plain(tiny, TEXT, TARGET, [0.0, 1.0])
    assert found.difference == pytest.approx(ends[1] - ends[0], abs=1e-4)


@pytest.mark.parametrize("ids", [(7,), TEXT, tuple(range(48))], ids=["a token", "a text", "a whole context"])
@pytest.mark.parametrize("target", [0, 33, 95])
def test_integrated_gradients_are_complete_to_one_percent(tiny: Path, ids: tuple[int, ...], target: int) -> None:
    found = integrated(opened(tiny), ids, target)
    assert found.scores.shape == (len(ids),)
    assert missed(found) <= TOLERANCE
    assert found.completeness_error == pytest.approx(missed(found), abs=1e-3)


@pytest.mark.slow
def test_more_gradients_are_taken_where_the_line_is_rougher(tmp_path: Path) -> None:
    rough = opened(save_random_gpt2(tmp_path / "rough", spread=0.8))
    told: list[GradientsTaken] = []
    found = integrated(rough, TEXT, TARGET, told)
    assert missed(found) <= TOLERANCE
    assert len(told) > 1
    assert told[-1].gradients == found.gradients
    assert [taken.gradients for taken in told] == sorted(taken.gradients for taken in told)
    assert told[-1].completeness_error <= TOLERANCE < told[0].completeness_error


def test_what_cannot_be_completed_says_how_much_it_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gptcli.explaining.attribution.MOST_GRADIENTS", 12)
    rough = opened(save_random_gpt2(tmp_path / "rough", spread=0.8))
    found = integrated(rough, TEXT, TARGET)
    assert found.gradients == 12
    assert found.completeness_error == pytest.approx(missed(found), abs=1e-3)


def test_a_long_text_is_computed_in_parts_with_the_same_result(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = integrated(opened(tiny), TEXT, TARGET)
    monkeypatch.setattr("gptcli.explaining.attribution.TOKENS_AT_ONCE", 3 * len(TEXT))
    parts = integrated(opened(tiny), TEXT, TARGET)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-3, atol=1e-4)


def test_options_that_cannot_apply_are_refused(tiny: Path) -> None:
    located = Located(name="tiny", directory=tiny)
    with pytest.raises(ConfigError, match="--backend onnx does not compute"):
        open_attributor(located, ModelOptions(backend="onnx"))
    for dtype in ("bfloat16", "int8"):
        with pytest.raises(ConfigError, match=f"float32: it does not go with --dtype {dtype}"):
            open_attributor(located, ModelOptions(dtype=dtype))  # type: ignore[arg-type]


def test_a_model_that_predicts_no_number_is_an_error(tmp_path: Path) -> None:
    damaged = opened(save_random_gpt2(tmp_path / "damaged", spread=float("nan")))
    with pytest.raises(ModelError, match="predicts no number"):
        integrated(damaged, TEXT, TARGET)
