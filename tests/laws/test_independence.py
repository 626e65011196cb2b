"""Law 2: what a row gets depends on its prompt, its options and its seed, never on its neighbours."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.options import SamplingOptions
from tests.decoding import decode, loaded

FEW = settings(max_examples=12)
PROMPTS = st.lists(st.lists(st.integers(1, 95), min_size=1, max_size=25), min_size=1, max_size=9)
SAMPLED = SamplingOptions(max_new_tokens=12, top_k=20)


@FEW
@given(prompts=PROMPTS, batch_size=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_samples_at_any_batch_size(
    tiny: Path, backend_name: str, prompts: list[list[int]], batch_size: int, seed: int
) -> None:
    one = decode(loaded(tiny, backend_name, 1), prompts, SAMPLED, seed=seed, samples=2)
    many = decode(loaded(tiny, backend_name, batch_size), prompts, SAMPLED, seed=seed, samples=2)
    assert [(o.tokens, o.text, o.finish_reason) for o in one] == [(m.tokens, m.text, m.finish_reason) for m in many]


@FEW
@given(prompts=PROMPTS, batch_size=st.integers(2, 8))
def test_on_the_onnx_backend_even_the_scores_are_the_same_bits(
    tiny: Path, prompts: list[list[int]], batch_size: int
) -> None:
    one = decode(loaded(tiny, "onnx", 1), prompts, SAMPLED)
    many = decode(loaded(tiny, "onnx", batch_size), prompts, SAMPLED)
    assert [finished.logprob for finished in one] == [finished.logprob for finished in many]


@FEW
@given(prompts=PROMPTS, seed=st.integers(0, 2**32), top_k=st.sampled_from([0, 3, 50]))
def test_the_same_seed_gives_the_same_samples_on_both_backends(
    tiny: Path, prompts: list[list[int]], seed: int, top_k: int
) -> None:
    options = SamplingOptions(max_new_tokens=12, top_k=top_k, top_p=0.95)
    onnx, torch = (decode(loaded(tiny, name), prompts, options, seed=seed) for name in ("onnx", "torch"))
    assert [finished.tokens for finished in onnx] == [finished.tokens for finished in torch]


@FEW
@given(prompts=PROMPTS)
def test_a_row_does_not_depend_on_the_rows_around_it(tiny: Path, backend_name: str, prompts: list[list[int]]) -> None:
    model = loaded(tiny, backend_name)
    together = decode(model, prompts, SAMPLED)
    alone = [decode(model, [prompt], SAMPLED, first_row=row)[0] for row, prompt in enumerate(prompts)]
    assert [finished.tokens for finished in together] == [finished.tokens for finished in alone]


@FEW
@given(prompts=PROMPTS, samples=st.integers(1, 5))
def test_rows_come_back_in_input_order_with_all_their_samples(
    tiny: Path, prompts: list[list[int]], samples: int
) -> None:
    finished = decode(loaded(tiny, "onnx", 4), prompts, SAMPLED, samples=samples)
    assert [(o.key, o.sample) for o in finished] == [(k, s) for k in range(len(prompts)) for s in range(samples)]


@FEW
@given(prompts=PROMPTS, first_key=st.integers(0, 2**40))
def test_the_keys_of_requests_do_not_enter_their_random_streams(
    tiny: Path, prompts: list[list[int]], first_key: int
) -> None:
    first = decode(loaded(tiny, "onnx"), prompts, SAMPLED)
    later = decode(loaded(tiny, "onnx"), prompts, SAMPLED, first_key=first_key)
    assert [finished.tokens for finished in first] == [finished.tokens for finished in later]
    assert [finished.key for finished in later] == [first_key + row for row in range(len(prompts))]


def test_five_samples_of_one_prompt_differ(builtin: Path) -> None:
    model = loaded(builtin, "onnx")
    prompt = model.tokenizer.encode("Once upon a time")
    samples = decode(model, [prompt], SamplingOptions(max_new_tokens=30), samples=5)
    assert len({finished.text for finished in samples}) == 5


def test_more_samples_than_slots_are_those_of_one_large_batch(tiny: Path, backend_name: str) -> None:
    few = decode(loaded(tiny, backend_name, 2), [[5, 6]], SAMPLED, samples=7)
    many = decode(loaded(tiny, backend_name, 8), [[5, 6]], SAMPLED, samples=7)
    assert [finished.tokens for finished in few] == [finished.tokens for finished in many]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_sliding_window_goes_on_past_the_context_the_same_in_any_batch(
    tiny: Path, backend_name: str, batch_size: int
) -> None:
    options = SamplingOptions(max_new_tokens=120, overflow="slide", logit_bias=((0, float("-inf")),))
    prompts = [[1, 2, 3], list(range(1, 49)), [9] * 20]
    alone = [decode(loaded(tiny, "onnx", 1), [p], options, slide=True, first_row=n)[0] for n, p in enumerate(prompts)]
    finished = decode(loaded(tiny, backend_name, batch_size), prompts, options, slide=True)
    assert [len(o.tokens) for o in finished] == [120, 120, 120]
    assert [o.tokens for o in finished] == [o.tokens for o in alone]


def test_a_sliding_window_reads_its_last_half_again_when_it_is_full(tiny: Path) -> None:
    model = loaded(tiny, "onnx")
    greedy = SamplingOptions(temperature=0, max_new_tokens=60, overflow="slide", logit_bias=((0, float("-inf")),))
    tokens = decode(model, [[1, 2, 3]], greedy, slide=True)[0].tokens
    everything = [1, 2, 3, *tokens]
    for position in range(48, len(everything)):  # after the first full window of 48, each next one begins 24 later
        begin = 25 + (position - 49) // 24 * 24 if position > 48 else 0
        context = everything[begin:position]
        best = decode(model, [context], SamplingOptions(temperature=0, max_new_tokens=1, logit_bias=greedy.logit_bias))
        assert best[0].tokens == (everything[position],)
