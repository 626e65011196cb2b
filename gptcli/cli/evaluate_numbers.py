"""Figures as a person reads them: four digits, the ends of an interval to as many places, a p-value."""

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptcli.evaluation.resampling import Interval

MOST_PLACES = 4
_SMALLEST_P = 0.0001


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:,.{_places(value)}f}"


def value_and_ends(interval: "Interval", sign: str = "") -> tuple[str, str]:
    """Return "1.023" and "[1.001, 1.047]", no interval where there is none; the sign "+" asks for signs."""
    places = _places(interval.value)
    value = f"{interval.value:{sign},.{places}f}"
    if not (isfinite(interval.low) and isfinite(interval.high)):
        return value, ""
    return value, f"[{interval.low:{sign},.{places}f}, {interval.high:{sign},.{places}f}]"


def difference(interval: "Interval") -> str:
    """Return "+0.023 [+0.001, +0.047]"."""
    return " ".join(value_and_ends(interval, "+")).rstrip()


def size_of(interval: "Interval") -> str:
    """Return the same without signs, of a difference that is told as higher or lower."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    places = _places(interval.value)
    return f"{abs(interval.value):,.{places}f} [{low:,.{places}f}, {high:,.{places}f}]"


def p_value(value: float) -> str:
    """Return a p-value with its sign of equality."""
    return f"p < {_SMALLEST_P}" if value < _SMALLEST_P else f"p = {value:.2g}"


def _places(value: float) -> int:
    """Return the places behind the point that make four digits, but for zeros behind it."""
    if not isfinite(value) or value == 0:
        return MOST_PLACES
    return min(max(3 - floor(log10(abs(value))), 0), MOST_PLACES)
