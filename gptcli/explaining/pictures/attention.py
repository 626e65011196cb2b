"""Draw where heads look: all of them at a glance, or one with its tokens. Needs the extra "plot"."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptcli.drawing.canvas import BLUES, FAINT, INK, entitle, ink_on, new_figure, save
from gptcli.drawing.lettering import families, lettered
from gptcli.engine.backend import Floats
from gptcli.explaining.pictures.contents import AllHeads, HeadMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MOST_CELLS = 48
"""A side of each head's map among all heads: more are not told apart at its size."""
MOST_NAMED = 100
"""Tokens that have room for their names at an axis."""
MOST_WRITTEN = 12
"""Tokens up to which each cell shows its weight."""
MOST_COLUMNS = 14
"""Of a token's name."""
_TICKS = (0, 0.05, 0.2, 0.5, 1)
_POWER = 0.5
"""Of a weight: the colour follows its square root, since small ones matter too."""
_GAP = 2
"""Cells between two heads."""


def draw_all_heads(path: Path, heads: AllHeads) -> None:
    """Draw a small map of each head, a row each layer; raises MissingExtraError and OutputError.

    A map's rows are the tokens that look, its columns those that are looked at.
    """
    n_layer, n_head, cells = len(heads.layers), len(heads.layers[0]), heads.layers[0].shape[-1]
    side = float(np.clip(9.0 / max(n_layer, n_head), 0.45, 1.4))
    told = _told(heads.tokens, cells)
    figure = new_figure(max(n_head * side + 1.4, 4.8), max(n_layer * side, 0.9) + 0.8 + 0.2 * len(told))
    axes = figure.subplots()
    image = _show(axes, _tiled(heads))
    step = cells + _GAP
    middle = (cells - 1) / 2
    axes.set_xticks([head * step + middle for head in range(n_head)], map(str, range(n_head)))
    axes.set_yticks([layer * step + middle for layer in range(n_layer)], map(str, range(n_layer)))
    axes.tick_params(length=0, labelsize=8, labelcolor=INK)
    axes.set_xlabel("head", color=INK)
    axes.set_ylabel("layer", color=INK)
    entitle(figure, "\n".join(told))
    _scale(figure, axes, image, inches=n_layer * side)
    save(figure, path)


def draw_head(path: Path, head: HeadMap) -> None:
    """Draw where one head looks, tokens at both sides; raises MissingExtraError and OutputError.

    Of many tokens only some are named, which the picture says.
    """
    tokens = len(head.tokens)
    side = float(np.clip(0.27 * tokens, 2.6, 14.0))
    figure = new_figure(side + 2.6, side + 2.0)
    axes = figure.subplots()
    image = _show(axes, _seen(head.weights))
    every = -(-tokens // MOST_NAMED)
    places = range(0, tokens, every)
    names = [lettered(head.tokens[place], MOST_COLUMNS) for place in places]
    size = 9 if tokens <= 52 else 7
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(list(places), names, fontsize=size, color=INK, family=families(), parse_math=False)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labelrotation=90)
    axes.set_ylabel("this token", color=INK)
    axes.set_xlabel("looks at this one", color=INK)
    told = f"Layer {head.layer}, head {head.head}"
    if every > 1:
        told += f": {tokens:,} tokens, one in {every} named"
    entitle(figure, told)
    if tokens <= MOST_WRITTEN:
        _write(axes, head.weights)
    _scale(figure, axes, image, inches=side)
    save(figure, path)


def _told(tokens: int, cells: int) -> list[str]:
    """Return the lines above all heads."""
    told = [f"Where each head looks, {tokens:,} token{'' if tokens == 1 else 's'}"]
    if tokens > cells:
        each = f"{tokens / cells:,.1f}"
        told.append(f"a cell is the largest weight of about {each} x {each} tokens")
    return told


def _tiled(heads: AllHeads) -> Floats:
    """Return all maps in one, with gaps between them, which are no number."""
    n_head, cells = len(heads.layers[0]), heads.layers[0].shape[-1]
    step = cells + _GAP
    tiled = np.full((len(heads.layers) * step - _GAP, n_head * step - _GAP), np.nan, np.float32)
    for layer, maps in enumerate(heads.layers):
        for head, weights in enumerate(maps):
            row, column = layer * step, head * step
            tiled[row : row + cells, column : column + cells] = _seen(weights)
    return tiled


def _seen(weights: Floats) -> Floats:
    """Return weights without those of later tokens, which are no number then: none is looked at."""
    return np.where(np.tri(len(weights), dtype=np.bool_), weights, np.nan)


def _show(axes: "Axes", weights: Floats) -> "AxesImage":
    """Show weights in blue."""
    from matplotlib.colors import PowerNorm

    axes.set_facecolor("white")
    for spine in axes.spines.values():
        spine.set_visible(False)
    shown = np.ma.masked_invalid(weights)
    return axes.imshow(shown, cmap=BLUES, norm=PowerNorm(_POWER, vmin=0.0, vmax=1.0), interpolation="nearest")


def _scale(figure: "Figure", axes: "Axes", image: "AxesImage", *, inches: float) -> None:
    """Draw what the colours mean, beside a map of so many inches."""
    shrink = 0.8 * min(1.0, 5.0 / inches)
    aspect = max(8.0, shrink * inches / 0.18)
    bar = figure.colorbar(
        image, ax=axes, shrink=shrink, aspect=aspect, ticks=_TICKS, format=lambda share, _: f"{share:.0%}"
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=INK, color=FAINT)


def _write(axes: "Axes", weights: Floats) -> None:
    """Write each weight in percent into its cell."""
    for row, column in np.argwhere(np.tri(len(weights), dtype=np.bool_)):
        weight = float(weights[row, column])
        ink = ink_on(weight**_POWER)
        axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=7, color=ink)
