"""Tokens are lettered so that they can be read, whatever they hold and whatever the fonts lack."""

import pytest

from gptcli.drawing.lettering import columns, lettered, shortened

pytest.importorskip("matplotlib")


@pytest.mark.parametrize(
    ("token", "drawn"),
    [
        (" the", "␣the"),
        ("\n\n", "⏎⏎"),
        ("\t", "⇥"),
        ("", "∅"),
        ("   ", "␣␣␣"),
        ("a\x00\x1b", "a\\x00\\x1b"),
        ("\u202e", "\\u202e"),
        ("\u200b", "\\u200b"),
        ("\ud83d", "\\ud83d"),
        ("\\xf0\\x9f", "\\xf0\\x9f"),
        (" שלום", "␣שלום"),
        ("$x^2$", "$x^2$"),
        ("\U000f0000", "\\U000f0000"),
    ],
)
def test_what_cannot_be_seen_or_drawn_is_written(token: str, drawn: str) -> None:
    assert lettered(token, 20) == drawn


def test_long_tokens_are_cut_by_the_room_they_take() -> None:
    assert lettered("x" * 30, 8) == "xxxxxxx…"
    assert shortened("日本語の文章", 7) == "日本語…"
    assert shortened("short", 5) == "short"
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
