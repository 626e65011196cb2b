"""Numbers as a person reads them: sizes and durations, out and in; and the room that text takes on a screen."""

import re
from collections.abc import Sequence
from unicodedata import east_asian_width

from gptcli.errors import ConfigError

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_GAP = "  "
_UNIT_SECONDS = (3600, 60, 1)


def size(count: int) -> str:
    """Return a number of bytes."""
    return f"{count / (1 << 30):,.1f} GiB" if count >= 1 << 30 else f"{max(1, round(count / (1 << 20))):,} MiB"


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def parse_duration(option: str, text: str) -> float:
    """Return the seconds of 90, 90s, 30m, 2h or 1h30m; raises ConfigError that names the option."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise ConfigError(f"{option} wants a duration like 90s, 30m, 2h or 1h30m, not {text!r}")
    return sum(float(part) * unit for part, unit in zip(match.groups(), _UNIT_SECONDS, strict=True) if part)


def width(text: str) -> int:
    """Return the columns that a terminal gives a text."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, names to the left and numbers to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [" " * (room - width(cell)) + cell for cell, room in zip(row[1:], widths[1:], strict=True)]
        lines.append(_GAP.join([row[0] + " " * (widths[0] - width(row[0])), *cells]).rstrip())
    return lines
