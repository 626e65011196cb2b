"""Law 1: greedy output and beams are those of GPT2LMHeadModel, run one prompt at a time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.options import SamplingOptions
from gptcli.errors import ModelError
from tests.conftest import save_random_gpt2
from tests.decoding import decode, loaded, reference, reference_tokens

FEW = settings(max_examples=12)
PROMPTS = st.lists(st.lists(st.integers(1, 95), min_size=1, max_size=30), min_size=1, max_size=11)

VARIANTS = {
    "untied head": {"tie_word_embeddings": False},
    "narrow perceptron": {"n_inner": 48},
    "relu": {"activation_function": "relu"},
    "exact gelu": {"activation_function": "gelu"},
    "silu": {"activation_function": "silu"},
    "tanh": {"activation_function": "tanh"},
    "inverse layer scale": {"scale_attn_by_inverse_layer_idx": True},
    "no attention scale": {"scale_attn_weights": False},
    "one head": {"n_head": 1},
    "a width that is no multiple of the block": {"n_embd": 40, "n_head": 5},
}


@FEW
@given(prompts=PROMPTS, limit=st.integers(1, 20))
def test_greedy_output_of_a_ragged_batch_is_transformers(
    tiny: Path, backend_name: str, prompts: list[list[int]], limit: int
) -> None:
    options = SamplingOptions(temperature=0, max_new_tokens=limit)
    ours = [list(finished.tokens) for finished in decode(loaded(tiny, backend_name), prompts, options)]
    room = [min(limit, 48 - len(prompt)) for prompt in prompts]
    theirs = [reference_tokens(tiny, p, max_new_tokens=n)[0] for p, n in zip(prompts, room, strict=True)]
    assert ours == theirs


@FEW
@given(
    prompts=st.lists(st.lists(st.integers(1, 95), min_size=1, max_size=12), min_size=1, max_size=3),
    beams=st.integers(2, 4),
    length_penalty=st.sampled_from([0.0, 0.7, 1.0, 2.0]),
    repetition_penalty=st.sampled_from([1.0, 1.3]),
)
def test_beam_search_is_transformers(
    tiny: Path,
    backend_name: str,
    prompts: list[list[int]],
    beams: int,
    length_penalty: float,
    repetition_penalty: float,
) -> None:
    options = SamplingOptions(
        num_beams=beams,
        length_penalty=length_penalty,
        repetition_penalty=repetition_penalty,
        max_new_tokens=9,
    )
    ours = decode(loaded(tiny, backend_name), prompts, options, samples=beams)
    theirs = [
        tokens
        for prompt in prompts
        for tokens in reference_tokens(
            tiny,
            prompt,
            num_beams=beams,
            num_return_sequences=beams,
            length_penalty=length_penalty,
            repetition_penalty=repetition_penalty,
            max_new_tokens=9,
        )
    ]
    assert [list(finished.tokens) for finished in ours] == theirs


@FEW
@given(
    prompt=st.lists(st.integers(1, 30), min_size=3, max_size=20),
    penalty=st.sampled_from([0.8, 1.0, 1.5]),
    ngram=st.integers(0, 3),
    least=st.integers(0, 12),
)
def test_processors_are_transformers(
    tiny: Path, backend_name: str, prompt: list[int], penalty: float, ngram: int, least: int
) -> None:
    options = SamplingOptions(
        temperature=0,
        max_new_tokens=15,
        repetition_penalty=penalty,
        no_repeat_ngram_size=ngram,
        min_new_tokens=least,
        logit_bias=((5, 2.5), (0, 3.0)),
    )
    ours = decode(loaded(tiny, backend_name), [prompt], options)[0]
    theirs = reference_tokens(
        tiny,
        prompt,
        max_new_tokens=15,
        repetition_penalty=penalty,
        no_repeat_ngram_size=ngram,
        min_new_tokens=least,
        sequence_bias={(5,): 2.5, (0,): 3.0},
    )[0]
    assert list(ours.tokens) == theirs


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_gpt2_is_transformers(tmp_path: Path, backend_name: str, variant: str) -> None:
    directory = save_random_gpt2(tmp_path, **VARIANTS[variant])
    prompts = [[7, 8, 9], [50], list(range(1, 20))]
    ours = decode(loaded(directory, backend_name), prompts, SamplingOptions(temperature=0, max_new_tokens=12))
    theirs = [reference_tokens(directory, prompt, max_new_tokens=12)[0] for prompt in prompts]
    assert [list(finished.tokens) for finished in ours] == theirs


def test_heads_that_the_onnx_backend_cannot_take_run_on_torch_and_it_says_so(tmp_path: Path) -> None:
    directory = save_random_gpt2(tmp_path, n_embd=20, n_head=2)
    model = loaded(directory, "auto")
    ours = decode(model, [[7, 8, 9]], SamplingOptions(temperature=0, max_new_tokens=12))
    assert [list(o.tokens) for o in ours] == reference_tokens(directory, [7, 8, 9], max_new_tokens=12)
    assert "torch, for heads of width 10" in model.description
    with pytest.raises(ModelError, match="--backend torch"):
        loaded(directory, "onnx")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_weights_are_widened_exactly(tiny: Path, tmp_path: Path, backend_name: str, dtype: str) -> None:
    model = reference(tiny)
    config, state = model.config, model.state_dict()
    halved = type(model)(config)
    halved.load_state_dict(state)
    halved.to(getattr(torch, dtype)).save_pretrained(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((tiny / name).read_bytes())
    prompt = [3, 1, 4, 1, 5]
    ours = decode(loaded(tmp_path, backend_name), [prompt], SamplingOptions(temperature=0, max_new_tokens=10))
    assert list(ours[0].tokens) == reference_tokens(tmp_path, prompt, max_new_tokens=10)[0]


def test_the_built_in_model_writes_what_transformers_writes(builtin: Path, backend_name: str) -> None:
    model = loaded(builtin, backend_name)
    prompts = [model.tokenizer.encode(text) for text in ("Once upon a time", "The dog", "He said: “I")]
    ours = decode(model, prompts, SamplingOptions(temperature=0, max_new_tokens=40))
    assert [list(o.tokens) for o in ours] == [reference_tokens(builtin, p, max_new_tokens=40)[0] for p in prompts]


def test_a_samples_logprob_is_the_models_before_any_sampling_option(tiny: Path, backend_name: str) -> None:
    options = SamplingOptions(temperature=0.7, top_k=5, repetition_penalty=1.4, max_new_tokens=8, logprobs=3)
    prompt = [11, 12, 13]
    finished = decode(loaded(tiny, backend_name), [prompt], options)[0]
    with torch.no_grad():
        logits = reference(tiny)(torch.tensor([prompt + list(finished.tokens)])).logits[0]
    expected = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 :]
    chosen = [expected[n, token].item() for n, token in enumerate(finished.tokens)]
    assert finished.logprob == pytest.approx(sum(chosen), abs=1e-3)
    for n, score in enumerate(finished.scores):
        assert score.logprob == pytest.approx(chosen[n], abs=1e-4)
        best = expected[n].topk(3)
        assert [token for token, _ in score.top] == best.indices.tolist()
        assert np.allclose([logprob for _, logprob in score.top], best.values, atol=1e-4)
