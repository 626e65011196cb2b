"""Answers on a screen: broken between words, whatever the pieces they come in."""

from textwrap import wrap

import pytest

from gptcli.cli.chat_wrapping import WordWrap

TEXT = "The dogs of the dogs and kings were sad, and the little girl plays on the river's other side. " * 5


def wrapped(pieces: list[str], columns: int) -> str:
    """Return what a screen is shown."""
    wrap = WordWrap(columns)
    return "".join([*map(wrap.push, pieces), wrap.end()])


@pytest.mark.parametrize("columns", [13, 20, 40, 80, 100, 1000])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_end_between_words_as_textwrap_s_do(columns: int, size: int) -> None:
    """`the dog's d` stood on one line and `og` on the next."""
    pieces = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    shown = wrapped(pieces, columns)
    assert shown.split("\n") == wrap(TEXT, columns - 1, break_on_hyphens=False)


def test_line_ends_and_spaces_within_a_line_stay() -> None:
    assert wrapped(["a\n\n  b", "  c\n", "d"], 20) == "a\n\n  b  c\nd"


def test_letters_without_spaces_between_words_are_shown_as_they_come_two_columns_wide() -> None:
    screen = WordWrap(7)
    shown = [screen.push(letter) for letter in "一二三四"]
    assert "".join(shown) == "一二三"
    assert screen.end() == "\n四"


def test_a_word_longer_than_a_line_is_not_held_back() -> None:
    screen = WordWrap(10)
    assert "".join(map(screen.push, ["x" * 50, "y" * 50])) == "x" * 50 + "y" * 50
    assert wrapped([], 10) == ""
