"""Draw how labels were given: which was taken for which, and how far the probabilities can be believed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gptcli.drawing.canvas import FAINT, INK, PALE_BLUE, RED, clean, drawable, new_figure, save
from gptcli.evaluation.classification import CalibrationBin, expected_calibration_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COUNTED = 50
"""Classes up to which each cell shows its count."""
LETTERS_PER_INCH = 10
"""Of a class's name, wide ones."""

Values = NDArray[np.float64]


def plot_confusion(path: Path, confusion: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Draw how often each label (a row) was called which (a column); raises MissingExtraError and OutputError."""
    counts = np.asarray(confusion, dtype=np.int64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
    classes = len(counts)
    side = float(np.clip(0.42 * classes, 2.4, 17.0))
    drawn = [drawable(name, number) for number, name in enumerate(names)]
    figure = new_figure(side + 2.3 + max(map(len, drawn)) / LETTERS_PER_INCH, side + 1.6)
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_facecolor("#eeeeee")
    _name_classes(axes, drawn, room=side / classes)
    if classes <= MOST_COUNTED:
        _write_counts(axes, counts, shares)
    right = int(counts.trace())
    accuracy = f"{right / max(1, int(counts.sum())):.1%} of {int(counts.sum()):,} rows right"
    axes.set_title(accuracy, color=INK, fontsize=11, loc="left")
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true", color=INK)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=8 * side, format=lambda share, _: f"{share:.0%}")
    bar.set_label("share of the true label", color=INK, fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=INK, color=FAINT)
    save(figure, path)


def plot_reliability(path: Path, bins: Sequence[CalibrationBin]) -> None:
    """Draw how often the rows of each confidence are right; raises MissingExtraError and OutputError."""
    figure = new_figure(5.2, 5.6)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    width = 1 / len(bins)
    filled = [(number * width, each) for number, each in enumerate(bins) if each.rows]
    starts = [start for start, _ in filled]
    right = [each.accuracy for _, each in filled]
    gaps = [each.confidence - each.accuracy for _, each in filled]
    bar = {"width": width, "align": "edge"}
    axes.bar(starts, right, color=PALE_BLUE, edgecolor="white", label="right answers", **bar)
    axes.bar(
        starts,
        gaps,
        bottom=right,
        color="none",
        edgecolor=RED,
        hatch="////",
        label="distance from how sure it was",
        **bar,
    )
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle="--", label="as sure as right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of the rows", color=INK)
    rows = sum(each.rows for each in bins)
    error = f"expected calibration error {expected_calibration_error(tuple(bins)):.3f} over {rows:,} rows"
    axes.set_title(error, color=INK, fontsize=11, loc="left")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    below.bar(starts, [each.rows for _, each in filled], color=FAINT, edgecolor="white", **bar)
    below.set_ylabel("rows", color=INK, fontsize=8)
    below.set_xlabel("how sure the model is of its answer", color=INK)
    for each in (axes, below):
        clean(each)
    save(figure, path)


def _name_classes(axes: "Axes", names: Sequence[str], *, room: float) -> None:
    """Write the classes at both axes; where a cell of so many inches has no room for a name, aslant."""
    classes = len(names)
    every = -(-classes // MOST_COUNTED)
    ticks = range(0, classes, every)
    size = 9 if classes <= 25 else 7
    shown = [names[tick] for tick in ticks]
    axes.set_xticks(ticks, shown, fontsize=size, color=INK, parse_math=False)
    if max(map(len, names)) > LETTERS_PER_INCH * room:
        for label in axes.get_xticklabels():
            label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axes.set_yticks(ticks, shown, fontsize=size, color=INK, parse_math=False)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_counts(axes: "Axes", counts: NDArray[np.int64], shares: Values) -> None:
    size = 12 if len(counts) <= 4 else 9 if len(counts) <= 20 else 6
    for row, column in np.argwhere(counts > 0):
        text = f"{counts[row, column]:,}"
        if len(counts) <= 6:
            text += f"\n{shares[row, column]:.0%}"
        ink = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
