"""Draw the logit lens: the likeliest next token of every layer at every position. Needs the extra "plot"."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptcli.drawing.canvas import BLUES, FAINT, INK, entitle, ink_on, new_figure, save
from gptcli.drawing.lettering import fixed_families, lettered
from gptcli.explaining.pictures.contents import LensTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POSITIONS = 14
"""Side by side; more go below each other."""
MOST_POSITIONS = 8 * POSITIONS
MOST_INCHES = 60.0
"""Of height, with many layers: a picture that viewers still open."""
MOST_COLUMNS = 11
"""Of a token's name in its cell."""
_WIDTH, _HEIGHT = 0.86, 0.25
"""Inches of a cell."""


def draw_lens(path: Path, table: LensTable) -> str | None:
    """Draw the table; return what was left out, if anything was. Raises MissingExtraError and OutputError.

    The last positions are drawn where there are too many. Layers go upward, the model's own prediction on top.
    """
    layers, tokens = len(table.layers), len(table.tokens)
    most = most_positions(layers)
    begin = max(0, tokens - most)
    starts = range(begin, tokens, POSITIONS)
    wide = min(POSITIONS, tokens - begin)
    figure = new_figure(max(_WIDTH * wide + 1.4, 4.6), _band_inches(layers) * len(starts) + 0.5)
    left_out = f"the lens shows the last {most} of {tokens:,} positions" if begin else None
    told = "The likeliest next token after each layer, the darker the likelier"
    entitle(figure, told if left_out is None else f"{told}\n{left_out}")
    for axes, start in zip(figure.subplots(len(starts), 1, squeeze=False)[:, 0], starts, strict=True):
        _draw_band(axes, table, range(start, min(start + POSITIONS, tokens)), wide)
    save(figure, path)
    return left_out


def most_positions(layers: int) -> int:
    """Return how many positions of so many layers have room in a picture."""
    return min(MOST_POSITIONS, POSITIONS * max(1, int(MOST_INCHES / _band_inches(layers))))


def _band_inches(layers: int) -> float:
    return _HEIGHT * layers + 0.75


def _draw_band(axes: "Axes", table: LensTable, positions: range, wide: int) -> None:
    """Draw all layers at some positions, in the width that the widest band has."""
    from matplotlib.transforms import Bbox, TransformedBbox

    layers = len(table.layers)
    best = [[table.layers[layer][position][0] for position in positions] for layer in range(layers)]
    shares = np.array([[guess.probability for guess in row] for row in best])
    axes.imshow(shares, cmap=BLUES, vmin=0.0, vmax=1.0, aspect="auto", origin="lower")
    axes.set_xlim(-0.5, wide - 0.5)
    names = [lettered(table.tokens[position], MOST_COLUMNS) for position in positions]
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(positions)),
        names,
        fontsize=8,
        fontweight="bold",
        color=INK,
        family=fixed_families(),
        parse_math=False,
    )
    axes.set_yticks(range(layers), ["embeddings", *map(str, range(1, layers))], fontsize=7, color=INK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks(np.arange(len(positions) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(layers + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="minor", length=0)
    place = f"position {positions[0]}" + (f"-{positions[-1]}" if len(positions) > 1 else "")
    axes.set_ylabel(f"layer, {place}", color=FAINT, fontsize=7)
    for layer, row in enumerate(best):
        for column, guess in enumerate(row):
            text = axes.text(
                column,
                layer,
                lettered(guess.text, MOST_COLUMNS),
                ha="center",
                va="center",
                fontsize=7.5,
                color=ink_on(guess.probability),
                family=fixed_families(),
                parse_math=False,
                clip_on=True,
            )
            cell = Bbox.from_extents(column - 0.48, layer - 0.5, column + 0.48, layer + 0.5)
            text.set_clip_box(TransformedBbox(cell, axes.transData))
            text.set_in_layout(False)  # it lies within its cell, and measuring a thousand takes seconds
