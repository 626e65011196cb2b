"""What gptcli explain shows a person of a text: words stay whole, bars have a scale, and how it was read is said."""

from io import StringIO

import pytest

from gptcli.cli.surface import Surface
from tests.command import gptcli

TEXT = "'Tom and Lily went to the park. They saw a big red ballon in the sky.'"


def shown(options: str) -> list[str]:
    """Return the lines that explain prints with the model that ships."""
    ended = gptcli(f"explain -m builtin {options}")
    assert ended.code == 0, ended.err
    return ended.out.decode().splitlines()


class Ascii(StringIO):
    """A standard error without Unicode."""

    encoding = "ascii"


@pytest.mark.parametrize(
    "options",
    ["", "--top 0", "--next 40", "--lens", "--attention", "--attention --layer 1 --head 2", "--attribution gradient"],
)
def test_where_there_is_no_unicode_a_view_is_ascii_and_says_as_much(options: str) -> None:
    line = f"explain -m builtin 'The caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{FOX FACE} was' {options}"
    ended = gptcli(line, stderr=Ascii())
    assert ended.out.isascii()
    assert len(ended.out.splitlines()) == len(gptcli(line).out.splitlines())


def test_the_same_next_token_with_two_probabilities_is_explained() -> None:
    """--next gave " upon" 22.9%, the view of "Once upon" 81.5%, and nothing said why."""
    assert shown("'Once upon'")[2].endswith("behind the beginning-of-text token")
    for view in ("--next 1", "--lens", "--attention"):
        assert "no beginning-of-text token" in " ".join(shown(f"Once {view}"))
    assert "token" not in shown("'' --next 1")[-1].replace("tokens kept", "")


def test_the_likeliest_bar_has_the_full_width() -> None:
    """The only token kept had 3.7 of 40 cells: the scale was that of a number which the view does not show."""
    first = shown("hi --next 3 --temperature 0")[1]
    assert first.count("█") == 40


def test_one_token_kept_is_one_token() -> None:
    """This read "1 tokens kept"."""
    assert " 1 token kept" in shown("hi --next 3 --temperature 0")[-1]


def test_of_a_long_text_the_end_is_shown_before_its_next_tokens() -> None:
    """All 20 kB of a file stood in front of three bars."""
    ended = gptcli("explain -m builtin --whole --next 3", b"The dog ran home.\n" * 400)
    assert ended.out.decode().splitlines()[:6] == ["…", *["The dog ran home."] * 5]
    assert shown(f"{TEXT} --next 3")[0] == TEXT.strip("'")


def test_words_stay_whole_and_a_list_has_its_commas() -> None:
    """Lines broke inside words, and the legend of --attention lost its commas at each line's end."""
    words = Surface(columns=20, unicode=True, palette="none")
    text = "Tom and Lily went to the park, and a thirtyletterwordthathasnospace."
    lines = ["".join(part for _, part in line).rstrip() for line in words.tinted([("", text[:9]), ("1", text[9:])])]
    assert lines == ["Tom and Lily went to", "the park, and a", "thirtyletterwordthat", "hasnospace."]
    legend = " ".join(shown(f"{TEXT} --attention")[6:])
    assert "the token before, s the token itself, . elsewhere, capitals" in legend


def test_a_bracket_stands_at_the_word_and_not_behind_a_line() -> None:
    """A token begins with its space, so that a line ended with the bracket of the next one's word."""
    words = Surface(columns=20, unicode=True, palette="none")
    assert words.bracketed("5", " word") == " [word]"
    assert words.bracketed("5", "  ") == "[  ]"
