"""Draw how a run went: loss.png from its metrics. Needs the extra "plot"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gptcli.drawing.canvas import BLUE, FAINT, INK, RED, clean, drawable, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSS_FILE = "loss.png"
CONFUSION_FILE = "confusion.png"

TRAIN, VALIDATION = BLUE, RED
SMOOTHED_SHARE = 0.03
"""Part of the run over which the smooth line is a mean."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    steps: Values
    values: Values


def plot_loss(path: Path, records: Sequence[Mapping[str, object]], *, title: str) -> None:
    """Draw the losses and the learning rate of metrics.jsonl's records; raises MissingExtraError and OutputError."""
    figure = new_figure(8.0, 4.8)
    loss_axes, lr_axes = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    train = _curve(records, "step", "loss")
    smooth = _smoothed(train)
    loss_axes.plot(train.steps, train.values, color=TRAIN, alpha=0.3, linewidth=0.8)
    loss_axes.plot(smooth.steps, smooth.values, color=TRAIN, linewidth=1.8, label="training", **_dots(smooth))
    _draw_validation(loss_axes, records)
    _limit_losses(loss_axes, smooth, _curve(records, "eval", "loss"))
    loss_axes.set_ylabel("loss", color=INK)
    loss_axes.set_title(drawable(title), color=INK, fontsize=11, loc="left", parse_math=False)
    lr = _curve(records, "step", "lr")
    lr_axes.plot(lr.steps, lr.values, color=FAINT, linewidth=1.2, **_dots(lr))
    lr_axes.set_ylim(0, max([*lr.values, 1e-12]) * 1.15)
    lr_axes.set_ylabel("learning\nrate", color=INK, fontsize=8)
    lr_axes.set_xlabel("step", color=INK)
    lr_axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    lr_axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    lr_axes.yaxis.get_offset_text().set_fontsize(7)
    for axes in (loss_axes, lr_axes):
        clean(axes)
    if loss_axes.get_legend_handles_labels()[1]:
        loss_axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="best")
    save(figure, path)


def _curve(records: Sequence[Mapping[str, object]], kind: str, name: str) -> _Curve:
    """Return a number of the records of one type over the steps; null is left out."""
    points: list[tuple[float, float]] = []
    for record in records:
        metrics = record.get("metrics")
        value = (metrics if isinstance(metrics, Mapping) else record).get(name)
        step = record.get("step")
        if record.get("type") == kind and isinstance(value, int | float) and isinstance(step, int):
            points.append((step, value))
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    return _Curve(table[:, 0], table[:, 1])


def _points(curve: _Curve) -> tuple[list[float], list[float]]:
    return curve.steps.tolist(), curve.values.tolist()


def _smoothed(curve: _Curve) -> _Curve:
    """Return the mean of the points around each, of those there are."""
    count = len(curve.values)
    reach = round(count * SMOOTHED_SHARE / 2)
    sums = np.concatenate([[0.0], np.cumsum(curve.values)])
    begin = np.maximum(np.arange(count) - reach, 0)
    end = np.minimum(np.arange(count) + reach + 1, count)
    return _Curve(curve.steps, (sums[end] - sums[begin]) / (end - begin))


def _draw_validation(axes: "Axes", records: Sequence[Mapping[str, object]]) -> None:
    curve = _curve(records, "eval", "loss")
    if not len(curve.steps):
        return
    axes.plot(curve.steps, curve.values, color=VALIDATION, linewidth=1.0, marker="o", markersize=4, label="validation")
    best = [record for record in records if record.get("type") == "eval" and record.get("best")]
    for step, value in zip(*_points(_curve(best[-1:], "eval", "loss")), strict=True):
        f1 = _curve(best[-1:], "eval", "macro_f1").values
        # Of labels the best is not where the loss is lowest.
        told = f"macro F1 {f1[0]:.4g}" if len(f1) else f"{value:.4g}"
        label = f"best: {told} at step {step:.0f}"
        axes.plot([step], [value], "o", markersize=11, markerfacecolor="none", markeredgecolor=VALIDATION, label=label)


def _limit_losses(axes: "Axes", smooth: _Curve, validation: _Curve) -> None:
    """Give the room to the smooth line and the validation, not to the spikes of single steps."""
    values = np.concatenate([smooth.values, validation.values])
    if len(values):
        low, high = float(values.min()), float(values.max())
        margin = 0.08 * (high - low) or 0.05 * abs(high) or 0.1
        axes.set_ylim(low - margin, high + margin)


def _dots(curve: _Curve) -> dict[str, str]:
    """Mark the point of a line that has but one."""
    return {"marker": "o"} if len(curve.steps) == 1 else {}
