"""What results can be shown on: so many columns, with colours or without, with Unicode or without; and tinted lines."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from gptcli.cli.console import Console
from gptcli.cli.shown import shown
from gptcli.cli.units import width

DEFAULT_COLUMNS = 80
LEAST_COLUMNS = 10

Palette = Literal["none", "16", "256"]
Style = Literal["", "bold", "faint", "1", "2", "3", "4", "5", "+1", "+2", "+3", "-1", "-2", "-3"]
"""A tint by surprisal, 1 to 5; a gain or a loss in three strengths; a word's weight; or nothing."""
Fragment = tuple[Style, str]
Line = list[Fragment]

# Black on pale to strong, so that text is read on a dark screen as on a light one; a gain is blue, a loss orange.
_BACKGROUNDS_256: Mapping[str, int] = {
    "1": 230,
    "2": 223,
    "3": 216,
    "4": 209,
    "5": 203,
    "+1": 195,
    "+2": 153,
    "+3": 75,
    "-1": 230,
    "-2": 222,
    "-3": 208,
}
_STYLES_16: Mapping[str, str] = {
    "1": "",
    "2": "33",
    "3": "30;43",
    "4": "37;41",
    "5": "1;37;41",
    "+1": "36",
    "+2": "30;46",
    "+3": "37;44",
    "-1": "33",
    "-2": "30;43",
    "-3": "37;41",
}
_WEIGHTS: Mapping[str, str] = {"": "", "bold": "1", "faint": "2"}
_BRACKETS: Mapping[str, tuple[str, str]] = {
    "3": ("[", "]"),
    "4": ("[", "]"),
    "5": ("[", "]"),
    "+2": ("[+", "]"),
    "+3": ("[+", "]"),
    "-2": ("[-", "]"),
    "-3": ("[-", "]"),
}
"""What stands around a text where there are no colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Where lines are shown."""

    columns: int
    unicode: bool
    palette: Palette

    def text(self, lines: Sequence[Line]) -> str:
        """Return lines with their tints, each with its end."""
        return "".join("".join(self._styled(*fragment) for fragment in line).rstrip(" ") + "\n" for line in lines)

    def tinted(self, pieces: Sequence[Fragment]) -> list[Line]:
        """Return a text that comes in pieces as lines: broken where it has line ends, and between words."""
        lines: list[Line] = [[]]
        for style, text in pieces:
            for number, part in enumerate(text.split("\n")):
                if number:
                    lines.append([])
                if not part and not number:
                    continue
                lines[-1].append((style, self.bracketed(style, self.shown(part))))
        return [wrapped for line in lines for wrapped in self._wrapped(line)]

    def shown(self, text: str) -> str:
        """Return text that drives no terminal, in characters that this one has."""
        return shown(text, unicode=self.unicode)

    def quoted(self, text: str) -> str:
        """Return a token so that its spaces are seen."""
        return f'"{self.shown(text)}"'

    def fitted(self, text: str, room: int) -> str:
        """Return a text in exactly so many columns, with a mark where it was cut."""
        mark = "…" if self.unicode else "~"
        if width(text) > room:
            while text and width(text) > room - 1:
                text = text[:-1]
            text += mark
        return text + " " * (room - width(text))

    def bar(self, share: float, room: int) -> str:
        """Return a bar of a share of so many columns."""
        if self.unicode:
            eighths = round(share * room * 8)
            return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
        return "#" * round(share * room)

    def bracketed(self, style: Style, text: str) -> str:
        """Return a text with what tells its tint where there are no colours, behind the spaces in front of a word."""
        if self.palette != "none" or style not in _BRACKETS or not text:
            return text
        before, behind = _BRACKETS[style]
        word = text.lstrip(" ") or text
        return f"{text.removesuffix(word)}{before}{word}{behind}"

    def _styled(self, style: Style, text: str) -> str:
        if self.palette == "none" or not style or not text:
            return text
        if style in _WEIGHTS:
            code = _WEIGHTS[style]
        elif self.palette == "256":
            code = f"38;5;16;48;5;{_BACKGROUNDS_256[style]}"
        else:
            code = _STYLES_16[style]
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def _wrapped(self, line: Line) -> Iterator[Line]:
        """Yield the lines of one that may be too long."""
        characters = [(style, character) for style, text in line for character in text]
        for begin, end in self._parts("".join(character for _, character in characters)):
            runs = groupby(characters[begin:end], key=itemgetter(0))
            yield [(style, "".join(character for _, character in run)) for style, run in runs]

    def _parts(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where each line begins and ends: behind its last space, which is left out where it has no room.

        A word that fills a line is cut.
        """
        begin, word, used = 0, 0, 0
        for place, character in enumerate(text):
            room = width(character)
            if used + room > self.columns and place > begin:
                if character == " ":
                    yield begin, place
                    begin, word, used = place + 1, place + 1, 0
                    continue
                end = word if word > begin else place
                yield begin, end
                begin, used = end, width(text[end:place])
            used += room
            if character == " ":
                word = place + 1
        if begin < len(text) or not text:
            yield begin, len(text)


def surface_of(console: Console) -> Surface:
    """Return what the console's results are shown on."""
    return Surface(columns=_columns(console), unicode=console.unicode, palette=_palette(console))


def file_surface() -> Surface:
    """Return what a file of text can hold."""
    return Surface(columns=DEFAULT_COLUMNS, unicode=True, palette="none")


def _columns(console: Console) -> int:
    told = console.environment.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return max(LEAST_COLUMNS, int(told))
    try:
        return max(LEAST_COLUMNS, os.get_terminal_size(console.stdout.fileno()).columns or DEFAULT_COLUMNS)
    except OSError:  # it is no terminal
        return DEFAULT_COLUMNS


def _palette(console: Console) -> Palette:
    """Return the colours that there are, by what terminals and people say in the environment (no-color.org)."""
    environment = console.environment
    kind = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return "none"
    if not environment.get("FORCE_COLOR") and (not console.stdout.isatty() or kind in ("", "dumb")):
        return "none"
    if "256color" in kind or environment.get("COLORTERM") in ("truecolor", "24bit"):
        return "256"
    return "16"
