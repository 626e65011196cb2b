"""Letter tokens on a canvas: what cannot be seen, or the fonts cannot draw, is written so that it can be read."""

from collections.abc import Sequence
from functools import cache
from unicodedata import combining, east_asian_width

FONT = "DejaVu Sans"
"""Comes with matplotlib, as does the next, so that a picture looks the same everywhere."""
FIXED_FONT = "DejaVu Sans Mono"
"""Has the same width for all that it has: tokens in cells and tiles take the room that their columns say."""
OTHER_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Nirmala UI",
)
"""Asked, where they are installed, for characters that the first font lacks."""
SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "": "∅"}
"""For what has no shape of its own; the last is a token of no bytes."""


def lettered(token: str, most: int) -> str:
    """Return a token as the fonts can draw it, in at most so many columns; a wide character takes two of them."""
    return shortened("".join(map(_drawable, token)) or SIGNS[""], most)


def shortened(text: str, most: int) -> str:
    """Return a text in at most so many columns, its end cut and marked where it is longer."""
    if columns(text) <= most:
        return text
    kept = ""
    for character in text:
        if columns(kept + character) > most - 1:
            break
        kept += character
    return kept + "…"


def columns(text: str) -> int:
    """Return how many letters' room a text takes."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def families() -> Sequence[str]:
    """Return the fonts to draw tokens with, those that are installed."""
    return tuple(name for name, _ in _fonts())


def fixed_families() -> Sequence[str]:
    """Return the fonts for tokens that have room for so many columns."""
    return (FIXED_FONT, *families())


def _drawable(character: str) -> str:
    """Return a character, its sign, or its number where no font has it."""
    if character in SIGNS:
        return SIGNS[character]
    # A control character, half of a pair, or one that turns the writing's direction is not to be drawn as it is.
    if character.isprintable() and any(ord(character) in characters for _, characters in _fonts()):
        return character
    return character.encode("unicode_escape").decode()


@cache
def _fonts() -> tuple[tuple[str, frozenset[int]], ...]:
    """Return each installed font of ours with the characters that it has."""
    from matplotlib.font_manager import fontManager, get_font

    files: dict[str, str] = {}
    for entry in fontManager.ttflist:
        if (
            entry.name in (FONT, *OTHER_FONTS)
            and entry.style == "normal"
            and entry.weight in (400, "normal", "regular")
        ):
            files.setdefault(entry.name, entry.fname)
    names = [name for name in (FONT, *OTHER_FONTS) if name in files]
    return tuple((name, frozenset(get_font(files[name]).get_charmap())) for name in names)
