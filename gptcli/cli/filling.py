"""Fill lines with what has room: parts behind each other, tokens with their probabilities."""

from collections.abc import Sequence

from gptcli.cli.surface import Line, Surface
from gptcli.cli.units import width

LEAST_TOKEN = 4
"""Columns: a quotation mark, two letters and the mark of what is cut."""


def filled(parts: Sequence[str], surface: Surface) -> list[Line]:
    """Return parts in lines, with a comma behind all but the last, and no part broken that fits into a line."""
    lines: list[str] = []
    for number, part in enumerate(parts, start=1):
        more = part if number == len(parts) else f"{part},"
        if lines and width(lines[-1]) + 1 + width(more) <= surface.columns:
            lines[-1] += f" {more}"
        else:
            lines.append(more)
    return [line for text in lines for line in surface.tinted([("", text)])]


def listed(tokens: Sequence[tuple[str, float]], surface: Surface, room: int) -> str:
    """Return as many tokens with their probabilities as there is room for, and of the first as much as there is."""
    said = ""
    for text, probability in tokens:
        part = f"{surface.quoted(text)} {percent(probability)}"
        longer = f"{said}, {part}" if said else part
        if width(longer) > room:
            return said or _shortened(surface.quoted(text), percent(probability), surface, room)
        said = longer
    return said


def _shortened(token: str, figure: str, surface: Surface, room: int) -> str:
    """Return what has room of a token, with its figure where that leaves enough of it."""
    left = room - 1 - len(figure)
    if left >= LEAST_TOKEN:
        return f"{surface.fitted(token, left)} {figure}"
    return surface.fitted(token, room).rstrip() if room >= LEAST_TOKEN else ""


def percent(probability: float) -> str:
    """Return a probability in at most 6 characters."""
    return "<0.1%" if probability < 0.0005 else f"{probability:.1%}"
