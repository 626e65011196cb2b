"""Laws 1 and 2 on a GPU: what is written is transformers' own text there, and no row depends on its neighbours."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import PartialState

from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.torch_backend import TorchBackend
from gptcli.errors import DeviceError
from tests import decoding
from tests.conftest import save_random_gpt2
from tests.decoding import decode
from tests.gpu.models import DEVICE, IS_GPU, located, options, reference, reference_tokens

CONTEXT = 48  # the tiny model's
GREEDY = SamplingOptions(temperature=0, max_new_tokens=16)
SAMPLED = SamplingOptions(max_new_tokens=12, top_k=20, top_p=0.95)
_DRAWN = random.Random(0)
PROMPTS = [[_DRAWN.randint(1, 95) for _ in range(_DRAWN.randint(1, 30))] for _ in range(11)]


@cache
def opened(directory: Path, batch_size: int = 8, dtype: str = "float32") -> LoadedModel:
    """Return a model, opened once for all tests."""
    return load_model(located(directory), options(dtype, batch_size), least_slots=1)


def written(model: LoadedModel, how: SamplingOptions, prompts: list[list[int]] = PROMPTS, **more: Any) -> list[Any]:
    """Return the tokens of every sample, in order."""
    return [finished.tokens for finished in decode(model, prompts, how, **more)]


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"tie_word_embeddings": False, "n_inner": 48},
        {"scale_attn_by_inverse_layer_idx": True},
        {"n_embd": 40, "n_head": 5},
    ],
    ids=lambda shape: ",".join(shape) or "plain",
)
def test_greedy_output_of_a_ragged_batch_is_transformers_on_the_same_device(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    directory = save_random_gpt2(tmp_path, **shape)
    theirs = [reference_tokens(directory, p, max_new_tokens=min(16, CONTEXT - len(p)))[0] for p in PROMPTS]
    assert [list(tokens) for tokens in written(opened(directory), GREEDY)] == theirs


def test_beam_search_is_transformers_on_the_same_device(tiny: Path) -> None:
    how = SamplingOptions(num_beams=3, max_new_tokens=9)
    prompts = [[7, 8, 9], [50], list(range(1, 12))]
    ours = written(opened(tiny), how, prompts, samples=3)
    wanted = {"num_beams": 3, "num_return_sequences": 3, "max_new_tokens": 9}
    assert [list(tokens) for tokens in ours] == [
        tokens for prompt in prompts for tokens in reference_tokens(tiny, prompt, **wanted)
    ]


def test_the_same_seed_gives_the_same_samples_at_any_batch_size_and_another_gives_others(tiny: Path) -> None:
    one = written(opened(tiny, 1), SAMPLED, seed=5, samples=2)
    assert written(opened(tiny, 8), SAMPLED, seed=5, samples=2) == one
    assert written(opened(tiny, 64), SAMPLED, seed=5, samples=2) == one
    assert written(opened(tiny, 8), SAMPLED, seed=6, samples=2) != one


def test_a_row_does_not_depend_on_the_rows_around_it(tiny: Path) -> None:
    model = opened(tiny)
    alone = [written(model, SAMPLED, [prompt], first_row=row)[0] for row, prompt in enumerate(PROMPTS)]
    assert written(model, SAMPLED) == alone


def test_samples_are_those_of_the_onnx_backend_on_the_cpu(tiny: Path) -> None:
    onnx = decoding.loaded(tiny, "onnx")
    assert written(opened(tiny), SAMPLED, seed=3, samples=2) == written(onnx, SAMPLED, seed=3, samples=2)


def test_a_sliding_window_goes_on_past_the_context_the_same_in_any_batch(tiny: Path) -> None:
    how = SamplingOptions(max_new_tokens=70, overflow="slide", logit_bias=((0, float("-inf")),))
    prompts = [[1, 2, 3], list(range(1, 49)), [9] * 20]
    alone = [written(opened(tiny, 1), how, [p], slide=True, first_row=row)[0] for row, p in enumerate(prompts)]
    assert [len(tokens) for tokens in alone] == [70, 70, 70]
    assert written(opened(tiny, 5), how, prompts, slide=True) == alone


def test_logprobs_are_transformers_before_any_sampling_option(tiny: Path) -> None:
    how = SamplingOptions(temperature=0.7, top_k=5, repetition_penalty=1.4, max_new_tokens=8, logprobs=3)
    prompt = [11, 12, 13]
    finished = decode(opened(tiny), [prompt], how)[0]
    with torch.no_grad():
        logits = reference(tiny)(torch.tensor([prompt + list(finished.tokens)], device=DEVICE)).logits[0].cpu()
    expected = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 :]
    for place, (token, score) in enumerate(zip(finished.tokens, finished.scores, strict=True)):
        assert score.logprob == pytest.approx(float(expected[place, token]), abs=1e-4)
        assert [token for token, _ in score.top] == expected[place].topk(3).indices.tolist()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_writes_the_same_twice(tiny: Path, dtype: str) -> None:
    model = opened(tiny, 8, dtype)
    assert dtype in model.description
    first = written(model, SAMPLED, seed=1)
    assert len(first) == len(PROMPTS)
    assert written(model, SAMPLED, seed=1) == first


def test_the_number_type_is_chosen_by_what_the_device_is_good_at(tiny: Path) -> None:
    model = load_model(located(tiny), ModelOptions(device=DEVICE, backend="torch"), least_slots=1)
    has_bfloat16 = IS_GPU and torch.cuda.get_device_capability()[0] >= 8
    assert model.dtype == ("bfloat16" if has_bfloat16 else "float32")
    assert written(model, GREEDY, [[7, 8, 9]])


@pytest.mark.skipif(not IS_GPU, reason="of the GPU alone")
def test_auto_takes_the_gpu(tiny: Path) -> None:
    PartialState._reset_state()  # which a run on the CPU in this process has left
    model = load_model(located(tiny), ModelOptions(), least_slots=1)
    assert "torch backend on cuda: chosen by accelerate" in model.description
    assert "up to 128 sequences" in model.description


def test_a_cache_for_which_there_is_no_memory_is_told_with_a_remedy(tiny: Path) -> None:
    with pytest.raises(DeviceError, match=r"^out of memory: lower --batch-size, or use a smaller model"):
        load_model(located(tiny), options(batch_size=10**12), least_slots=1)


def test_a_device_that_fills_up_while_it_writes_is_told_and_can_be_used_again(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(located(tiny), options(), least_slots=1)

    def full(*_: object, **_named: object) -> None:
        torch.empty(1 << 54, dtype=torch.uint8, device=DEVICE)

    with monkeypatch.context() as patch:
        patch.setattr(TorchBackend, "_forward", full)
        with pytest.raises(DeviceError, match=r"^out of memory: lower --batch-size"):
            decode(model, [[5]], GREEDY)
    assert written(model, GREEDY, [[7, 8, 9]]) == written(opened(tiny), GREEDY, [[7, 8, 9]])


def test_a_device_that_is_not_there_is_named(tiny: Path) -> None:
    with pytest.raises(DeviceError, match="--device cuda:99"):
        load_model(located(tiny), ModelOptions(device="cuda:99"), least_slots=1)
