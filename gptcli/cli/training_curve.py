"""The loss of a run, smoothed, and its curve in a few lines of text."""

import math
from collections.abc import Sequence

SMOOTHING = 0.95
"""Weight of the past: a curve shows about the mean of the last 20 steps."""
MOST_POINTS = 512
"""Points that are kept of a run of any length; more than a terminal has dots in a line."""
# The bits of Unicode's braille patterns, by row and column of a cell.
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_ASCII = {(False, False): " ", (True, False): "'", (False, True): ".", (True, True): ":"}


class LossCurve:
    """Takes the loss of each step; holds a bounded number of points."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._weight = 0.0
        self._stride = 1
        self._steps = 0
        self._points: tuple[float, ...] = ()

    @property
    def smoothed(self) -> float:
        """Return the weighted mean of the losses so far, the newest of which count most."""
        return self._sum / self._weight if self._weight else math.nan

    @property
    def points(self) -> tuple[float, ...]:
        """Return smoothed losses at even distances."""
        return self._points

    def add(self, loss: float) -> None:
        """Take the loss of the next step."""
        self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * loss
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        if self._steps % self._stride == 0:
            self._points = (*self._points, self.smoothed)
            if len(self._points) == MOST_POINTS:
                self._points = self._points[::2]
                self._stride *= 2
        self._steps += 1


def draw(points: Sequence[float], *, columns: int, rows: int, unicode: bool) -> list[str]:
    """Return the curve in so many lines; in braille, or in the marks of ASCII. Nothing where there is no curve yet."""
    finite = [point for point in points if math.isfinite(point)]
    if len(finite) < 2 or columns < 1:
        return []
    across, down = (2, 4) if unicode else (1, 2)
    width, height = columns * across, rows * down
    low, high = min(finite), max(finite)
    # Clipped: between two equal values rounding can leave their range.
    between = [min(max(value, low), high) for value in _stretched(finite, width)]
    levels = [round((high - value) / (high - low) * (height - 1)) if high > low else height - 1 for value in between]
    dots = [[False] * width for _ in range(height)]
    for x, level in enumerate(levels):
        before = levels[max(x - 1, 0)]
        for y in {*range(min(before + 1, level), level + 1), *range(level, before), level}:
            dots[y][x] = True
    cell = _braille if unicode else _mark
    return [
        "".join(cell(dots, row * down, column * across) for column in range(columns)).rstrip() for row in range(rows)
    ]


def _stretched(values: Sequence[float], width: int) -> list[float]:
    """Return values at so many even places, on straight lines between those that are known."""
    last = len(values) - 1
    result = []
    for x in range(width):
        place = x * last / max(width - 1, 1)
        index = min(int(place), last - 1)
        share = place - index
        result.append(values[index] * (1 - share) + values[index + 1] * share)
    return result


def _braille(dots: Sequence[Sequence[bool]], y: int, x: int) -> str:
    bits = [bit for dy, row in enumerate(_BRAILLE) for dx, bit in enumerate(row) if dots[y + dy][x + dx]]
    return chr(0x2800 + sum(bits)) if bits else " "


def _mark(dots: Sequence[Sequence[bool]], y: int, x: int) -> str:
    return _ASCII[dots[y][x], dots[y + 1][x]]
