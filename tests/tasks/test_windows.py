"""What fits into the context, what is cut, and that every cut is counted."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.engine.options import SamplingOptions
from gptcli.errors import InputError
from gptcli.tasks.events import Place
from gptcli.tasks.windows import Windows

SIZE = 20
BEGIN = 7


def windows(*, bos: int | None = BEGIN, eos: tuple[int, ...] = (8, 9), **options: Any) -> Windows:
    """Return the windows of a model with a context of 20."""
    builtin = read_config(PACKAGED)
    config: ModelConfig = dataclasses.replace(builtin, n_positions=SIZE, bos_token_id=bos, eos_token_ids=eos)
    return Windows(config, SamplingOptions(**options))


def at(line: int) -> Place:
    return Place(row=line - 1, origin=f"in:{line}")


def told(window: Windows) -> list[str]:
    return [notice.text for notice in window.notices()]


def test_a_prompt_that_fits_is_read_whole_and_nothing_is_said() -> None:
    window = windows(max_new_tokens=5)
    fitted = window.fit(at(1), [1, 2, 3])
    assert (fitted.prompt, fitted.token_limit) == ((1, 2, 3), 5)
    assert told(window) == []


def test_the_last_token_of_a_continuation_needs_no_place() -> None:
    assert windows(max_new_tokens=50).fit(at(1), [1] * SIZE).token_limit == 1
    assert windows(max_new_tokens=50).fit(at(1), [1] * 15).token_limit == 6


@given(
    length=st.integers(1, 60),
    limit=st.integers(1, 60),
    overflow=st.sampled_from(["error", "truncate-left", "slide"]),
)
def test_what_is_read_is_the_end_of_the_prompt_and_leaves_room(length: int, limit: int, overflow: str) -> None:
    window = windows(max_new_tokens=limit, overflow=overflow)
    tokens = list(range(length))
    try:
        fitted = window.fit(at(1), tokens)
    except InputError:
        assert (overflow, length > SIZE) == ("error", True)
        return
    assert 1 <= len(fitted.prompt) <= SIZE
    assert list(fitted.prompt) == tokens[-len(fitted.prompt) :]
    assert 1 <= fitted.token_limit <= limit
    if overflow == "slide":
        assert fitted.token_limit == limit
    else:
        assert len(fitted.prompt) + fitted.token_limit <= SIZE + 1
    assert bool(told(window)) == (len(fitted.prompt) < length)


@pytest.mark.parametrize(("limit", "kept"), [(5, 16), (10, 11), (19, 10), (500, 10)])
def test_truncation_leaves_room_for_the_continuation_but_half_for_the_prompt(limit: int, kept: int) -> None:
    fitted = windows(max_new_tokens=limit, overflow="truncate-left").fit(at(1), [1] * 50)
    assert len(fitted.prompt) == kept


def test_a_prompt_that_is_too_long_is_an_error_that_says_what_reads_it() -> None:
    with pytest.raises(InputError, match=r"has 21 tokens, the context holds 20; --overflow truncate-left or slide"):
        windows().fit(at(1), [1] * 21)


def test_a_prompt_can_be_refused_before_its_tokens_are_counted() -> None:
    with pytest.raises(InputError, match="has at least 1,000 tokens, the context holds 20"):
        windows().refuse_at_least(1000)
    windows().refuse_at_least(SIZE)
    windows(overflow="slide").refuse_at_least(1000)


def test_max_length_counts_the_prompt() -> None:
    assert windows(max_length=10).fit(at(1), [1] * 8).token_limit == 2
    with pytest.raises(InputError, match="has 10 tokens: --max-length 10 leaves no room"):
        windows(max_length=10).fit(at(1), [1] * 10)


@pytest.mark.parametrize(("bos", "eos", "begin"), [(BEGIN, (8, 9), BEGIN), (None, (8, 9), 8)])
def test_an_empty_prompt_goes_on_from_the_token_that_begins_texts(
    bos: int | None, eos: tuple[int, ...], begin: int
) -> None:
    window = windows(bos=bos, eos=eos)
    assert window.fit(at(4), []).prompt == (begin,)
    assert told(window) == ["empty prompts, continued from the beginning-of-text token: 1 (first: in:4)"]


def test_an_empty_prompt_fails_where_nothing_begins_a_text() -> None:
    with pytest.raises(InputError, match="no beginning-of-text token"):
        windows(bos=None, eos=()).fit(at(1), [])


def test_each_kind_of_cut_is_told_once_with_its_number_and_the_first_place() -> None:
    window = windows(max_new_tokens=5, overflow="truncate-left")
    for line in range(1, 4):
        window.fit(at(line), [1] * 30)
    window.fit(at(4), [])
    assert told(window) == [
        "prompts cut to their last 16 tokens: 3 (first: in:1)",
        "empty prompts, continued from the beginning-of-text token: 1 (first: in:4)",
    ]


def test_a_continuation_that_the_window_ended_is_told() -> None:
    window = windows(max_new_tokens=50)
    window.finished(at(1), window.fit(at(1), [1] * 15), "length")
    window.finished(at(2), window.fit(at(2), [1] * 15), "eos")  # ended by itself
    window.finished(at(3), window.fit(at(3), [1] * 15), "stop")
    assert told(window) == [
        "continuations that end at the context window of 20 tokens (--overflow slide goes on): 1 (first: in:1)"
    ]


@pytest.mark.parametrize("options", [{"max_new_tokens": 6}, {"max_length": 21}, {"overflow": "slide"}])
def test_a_continuation_that_has_all_its_tokens_is_not_told_as_cut(options: dict[str, Any]) -> None:
    window = windows(**options)
    window.finished(at(1), window.fit(at(1), [1] * 15), "length")
    assert told(window) == []


def test_a_continuation_of_a_cut_prompt_that_has_all_its_tokens_is_not_told_as_cut() -> None:
    window = windows(max_length=61, overflow="truncate-left")
    fitted = window.fit(at(1), [1] * 50)
    assert (len(fitted.prompt), fitted.token_limit) == (10, 11)
    window.finished(at(1), fitted, "length")
    assert told(window) == ["prompts cut to their last 10 tokens: 1 (first: in:1)"]
