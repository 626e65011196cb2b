"""Draw how a run went: loss.png from its metrics, and confusion.png from its last evaluation. Needs the extra "plot".

No figure is shown and no setting of matplotlib is changed; the same data gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gptcli.data.atomic import write_atomically
from gptcli.errors import MissingExtraError, OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS_FILE = "loss.png"
CONFUSION_FILE = "confusion.png"

DOTS_PER_INCH = 120
TRAIN, VALIDATION, INK, FAINT = "#2563a8", "#d1495b", "#333333", "#8a8a8a"
SMOOTHED_SHARE = 0.03
"""Part of the run over which the smooth line is a mean."""
MOST_COUNTED = 50
"""Classes up to which each cell shows its count."""
LONGEST_NAME = 24
LETTERS_PER_INCH = 10
"""Of a class's name, wide ones."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    steps: Values
    values: Values


def available() -> bool:
    """Tell whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def plot_loss(path: Path, records: Sequence[Mapping[str, object]], *, title: str) -> None:
    """Draw the losses and the learning rate of metrics.jsonl's records; raises MissingExtraError and OutputError."""
    figure = _figure(8.0, 4.8)
    loss_axes, lr_axes = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    train = _curve(records, "step", "loss")
    smooth = _smoothed(train)
    loss_axes.plot(train.steps, train.values, color=TRAIN, alpha=0.3, linewidth=0.8)
    loss_axes.plot(smooth.steps, smooth.values, color=TRAIN, linewidth=1.8, label="training", **_dots(smooth))
    _draw_validation(loss_axes, records)
    _limit_losses(loss_axes, smooth, _curve(records, "eval", "loss"))
    loss_axes.set_ylabel("loss", color=INK)
    loss_axes.set_title(_shown(title), color=INK, fontsize=11, loc="left", parse_math=False)
    lr = _curve(records, "step", "lr")
    lr_axes.plot(lr.steps, lr.values, color=FAINT, linewidth=1.2, **_dots(lr))
    lr_axes.set_ylim(0, max([*lr.values, 1e-12]) * 1.15)
    lr_axes.set_ylabel("learning\nrate", color=INK, fontsize=8)
    lr_axes.set_xlabel("step", color=INK)
    lr_axes.locator_params(axis="x", integer=True)
    lr_axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    lr_axes.yaxis.get_offset_text().set_fontsize(7)
    for axes in (loss_axes, lr_axes):
        _clean(axes)
    if loss_axes.get_legend_handles_labels()[1]:
        loss_axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper right")
    _save(figure, path)


def plot_confusion(path: Path, confusion: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Draw how often each label (a row) was called which (a column); raises MissingExtraError and OutputError."""
    counts = np.asarray(confusion, dtype=np.int64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
    classes = len(counts)
    side = float(np.clip(0.42 * classes, 2.4, 17.0))
    shown = [_shown(name, number) for number, name in enumerate(names)]
    figure = _figure(side + 2.3 + max(map(len, shown)) / LETTERS_PER_INCH, side + 1.6)
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_facecolor("#eeeeee")
    _name_classes(axes, shown, room=side / classes)
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
    _save(figure, path)


def _figure(width: float, height: float) -> "Figure":
    if not available():
        raise MissingExtraError('plots need matplotlib: pip install "gptcli[plot]"')
    from matplotlib.figure import Figure  # a figure of its own: pyplot would pick a backend for the whole process

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    image = BytesIO()
    FigureCanvasAgg(figure).print_png(image, metadata={"Software": None})  # type: ignore[no-untyped-call]
    try:
        write_atomically(str(path), image.getvalue())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


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


def _clean(axes: "Axes") -> None:
    axes.set_facecolor("white")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, labelcolor=INK, color=FAINT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)


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


def _shown(name: str, number: int | None = None) -> str:
    """Return a name as the font can draw it, cut where it is long; a label that loses characters gets its number."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    line = " ".join(name.split())
    text = "".join(character if ord(character) in known else "\N{WHITE SQUARE}" for character in line)
    if number is not None and text != line:
        text = f"{number} {text}"
    return text if len(text) <= LONGEST_NAME or number is None else text[: LONGEST_NAME - 1] + "…"
