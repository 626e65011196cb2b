"""Draw which tokens speak for a chosen next one: the text tinted, and its strongest tokens as bars.

Needs the extra "plot".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptcli.drawing.canvas import BLUE, FAINT, INK, RED, clean, entitle, new_figure, save
from gptcli.drawing.lettering import columns, families, fixed_families, lettered
from gptcli.explaining.pictures.contents import AttributedText

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TOKENS = 400
MOST_BARS = 16
LINE_COLUMNS = 96
MOST_COLUMNS = 24
"""Of a token."""
_LINE_INCHES = 0.27
_SPACE = 0.8
"""Columns around a token's name in its tile, and the gap to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tile:
    line: int
    column: float
    width: float
    text: str


def draw_attribution(path: Path, found: AttributedText) -> str | None:
    """Draw the picture; return what was left out, if anything was. Raises MissingExtraError and OutputError.

    The last tokens are drawn where there are too many; the bars are the strongest of all.
    """
    tokens = len(found.tokens)
    begin = max(0, tokens - MOST_TOKENS)
    tiles = list(_tiles(found.tokens[begin:]))
    lines = tiles[-1].line + 1 if tiles else 1
    bars = min(MOST_BARS, tokens)
    heights = (_LINE_INCHES * lines + 0.1, 0.22 * bars + 0.5)
    figure = new_figure(9.0, sum(heights) + 1.0)
    # Each with margins of its own: the bars' names may be long, and leave the text its width.
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    left_out = f"the text shows the last {MOST_TOKENS} of {tokens:,} tokens" if begin else None
    title = _title(found) if left_out is None else f"{_title(found)}\n{left_out}"
    entitle(figure, title)
    _draw_text(above.subplots(), tiles, lines, (found.scores[begin:] / found.largest).tolist())
    _draw_bars(below.subplots(), found, bars)
    save(figure, path)
    return left_out


def _title(found: AttributedText) -> str:
    difference = found.logprob - found.baseline_logprob
    told = f'What speaks for "{lettered(found.target, MOST_COLUMNS)}" (blue) and against it (red): {found.method}\n'
    told += f"log probability {found.logprob:.2f} nats, {found.baseline_logprob:.2f} with token embeddings at zero\n"
    told += f"the scores sum to {float(found.scores.sum()):+.2f}"
    if found.completeness_error is not None:
        told += f", {found.completeness_error:.2%} off the difference of {difference:+.2f}"
    return told


def _tiles(tokens: Sequence[str]) -> Iterator[_Tile]:
    """Yield where each token's tile lies: lines break where the text does, and where they are full."""
    line, column = 0, 0.0
    for token in tokens:
        text = lettered(token, MOST_COLUMNS)
        width = columns(text) + _SPACE
        if column and column + width > LINE_COLUMNS:
            line, column = line + 1, 0.0
        yield _Tile(line=line, column=column, width=width, text=text)
        column += width + _SPACE / 2
        if token.endswith("\n"):
            line, column = line + 1, 0.0


def _draw_text(axes: "Axes", tiles: Sequence[_Tile], lines: int, shares: Sequence[float]) -> None:
    """Draw tokens in lines, each in the colour of its share (-1 to 1) of the strongest."""
    from matplotlib.patches import Rectangle

    axes.set_xlim(0, LINE_COLUMNS)
    axes.set_ylim(lines, 0)
    axes.set_axis_off()
    for tile, share in zip(tiles, shares, strict=True):
        place = ((tile.column, tile.line + 0.08), tile.width, 0.84)
        # No stronger than that the dark letters stay readable on it.
        axes.add_patch(Rectangle(*place, facecolor=BLUE if share > 0 else RED, alpha=0.6 * abs(share)))
        axes.add_patch(Rectangle(*place, fill=False, edgecolor="#dddddd", linewidth=0.6))
        middle = (tile.column + tile.width / 2, tile.line + 0.5)
        text = axes.text(*middle, tile.text, ha="center", va="center", fontsize=8.5, color="#111111", parse_math=False)
        text.set_fontfamily(list(fixed_families()))
        text.set_in_layout(False)


def _draw_bars(axes: "Axes", found: AttributedText, bars: int) -> None:
    """Draw the strongest tokens, strongest first."""
    strongest = np.argsort(-np.abs(found.scores), kind="stable")[:bars]
    scores = found.scores[strongest]
    axes.barh(range(bars), scores, color=[BLUE if score > 0 else RED for score in scores], height=0.7)
    clean(axes)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_ylim(bars - 0.4, -0.6)
    names = [f"{lettered(found.tokens[place], MOST_COLUMNS)}  {place}" for place in strongest]
    axes.set_yticks(range(bars), names, fontsize=8, family=families(), parse_math=False)
    axes.set_xlabel("nats; beside each token its position", color=INK, fontsize=8)
