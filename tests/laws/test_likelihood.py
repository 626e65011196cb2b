"""Laws 1 and 2 for log-likelihoods: they are GPT2LMHeadModel's of each span read alone, whatever stands beside it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.onnx.scorer import PASS_TOKENS
from gptcli.engine.scorer import Item, Span
from tests.conftest import save_random_gpt2
from tests.laws.test_parity import VARIANTS
from tests.scoring import assert_close, items_of, loaded, reference_scores, scored, span

FEW = settings(max_examples=12)
CONTEXT = 48  # the tiny model's
FEW_TOKENS = st.integers(1, 3)  # so that spans often begin alike
ANY_TOKEN = st.integers(1, 95)
MOST_TOKENS = st.sampled_from([2, 5, 16, PASS_TOKENS])


@st.composite
def spans_after(draw: st.DrawFn, prefix: list[int]) -> list[Span]:
    """Draw spans of an item: branches of a trunk, some of which begin alike, end early or have nothing to score."""
    token = draw(st.sampled_from([FEW_TOKENS, ANY_TOKEN]))
    trunk = prefix + draw(st.lists(token, max_size=20))
    spans = []
    for branch in draw(st.lists(st.lists(token, max_size=14), min_size=1, max_size=5)):
        tokens = (trunk + branch or [7])[: CONTEXT + 1]
        spans.append(span(tokens, draw(st.integers(1, len(tokens)))))
    return spans


@st.composite
def prefixed_items(draw: st.DrawFn) -> tuple[list[int], list[Item]]:
    """Draw a prefix, which may be empty, and items behind it."""
    prefix = draw(st.lists(ANY_TOKEN, max_size=14))
    return prefix, items_of(*draw(st.lists(spans_after(prefix), min_size=1, max_size=6)))


@FEW
@given(drawn=prefixed_items(), most_tokens=MOST_TOKENS)
def test_they_are_transformers_of_each_span_alone(
    tiny: Path, backend_name: str, drawn: tuple[list[int], list[Item]], most_tokens: int
) -> None:
    prefix, items = drawn
    ours = scored(loaded(tiny, backend_name, most_tokens=most_tokens), items, prefix)
    theirs = [reference_scores(tiny, item.spans) for item in items]
    assert_close(ours, theirs, 1e-4)
    for our_item, their_item in zip(ours, theirs, strict=True):
        for our_span, their_span in zip(our_item, their_item, strict=True):
            assert np.array_equal(our_span.greedy, their_span.greedy)


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_every_kind_of_gpt2_they_are_transformers(tmp_path: Path, backend_name: str, variant: str) -> None:
    directory = save_random_gpt2(tmp_path, **VARIANTS[variant])
    text = list(range(1, 41))
    items = items_of([span(text)], [span([*text[:9], *rest], 9) for rest in ([5], [6, 7], [5, 8, 9])])
    for most_tokens in (16, PASS_TOKENS):
        ours = scored(loaded(directory, backend_name, most_tokens=most_tokens), items)
        assert_close(ours, [reference_scores(directory, item.spans) for item in items], 1e-4)


def test_windows_longer_than_a_pass_are_transformers(tmp_path: Path, backend_name: str) -> None:
    directory = save_random_gpt2(tmp_path, n_positions=700, spread=0.1)
    tokens = [1 + number * number % 95 for number in range(900)]
    items = items_of(
        [span(tokens[:700]), span(tokens[200:], 500)],
        [span([*tokens[:600], *rest], 600) for rest in ([5], [6, 7], tokens[:90])],
    )
    theirs = [reference_scores(directory, item.spans) for item in items]
    assert_close(scored(loaded(directory, backend_name), items), theirs, 1e-4)
    behind = scored(loaded(directory, backend_name), items[1:], prefix=tokens[:599])
    assert_close(behind, theirs[1:], 1e-4)


def test_a_span_may_be_one_token_longer_than_the_context_because_its_last_is_not_read(
    tiny: Path, backend_name: str
) -> None:
    tokens = [1 + number % 9 for number in range(CONTEXT + 1)]
    items = items_of([span(tokens), span([*tokens[:-1], 50], CONTEXT)], [span(tokens, CONTEXT)])
    ours = scored(loaded(tiny, backend_name, most_tokens=16), items)
    assert_close(ours, [reference_scores(tiny, item.spans) for item in items], 1e-4)


@FEW
@given(drawn=prefixed_items(), most_rows=st.integers(1, 3))
def test_neighbours_order_and_batch_size_change_nothing_beyond_1e_5(
    tiny: Path, backend_name: str, drawn: tuple[list[int], list[Item]], most_rows: int
) -> None:
    prefix, items = drawn
    model = loaded(tiny, backend_name)
    alone = [scored(model, [item], prefix)[0] for item in items]
    assert_close(scored(model, items, prefix), alone, 1e-5)
    assert_close(scored(model, items[::-1], prefix, most_rows), alone[::-1], 1e-5)
    assert_close(scored(model, items), alone, 2e-5)  # the prefix read with each span


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@FEW
@given(drawn=prefixed_items(), most_rows=st.integers(1, 3))
def test_on_the_onnx_backend_they_change_not_a_bit(
    tiny: Path, dtype: str, drawn: tuple[list[int], list[Item]], most_rows: int
) -> None:
    prefix, items = drawn
    model = loaded(tiny, "onnx", dtype)
    alone = [scored(model, [item], prefix)[0] for item in items]
    assert_close(scored(model, items, prefix), alone, 0)
    assert_close(scored(model, items[::-1], prefix, most_rows), alone[::-1], 0)


def test_in_int8_they_are_near_those_of_float32(builtin: Path) -> None:
    model = loaded(builtin, "onnx")
    tokens = model.tokenizer.encode("Once upon a time there was a little girl who lived in a wood with her mother.")
    items = items_of([span(tokens)])
    exact, close = (scored(loaded(builtin, "onnx", dtype), items)[0][0].logprobs for dtype in ("float32", "int8"))
    assert abs(exact.mean() - close.mean()) < 0.02


def test_of_the_built_in_model_they_are_transformers(builtin: Path, backend_name: str) -> None:
    model = loaded(builtin, backend_name)
    text = "The dog ran after the ball and did not see the river behind the house. " * 20
    items = items_of([span(model.tokenizer.encode(text)[:300])])
    assert_close(scored(model, items), [reference_scores(builtin, items[0].spans)], 1e-4)
