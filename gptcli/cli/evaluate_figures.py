"""The table of figures: figures down, models across, the best of each marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

from gptcli.cli import evaluate_numbers as numbers
from gptcli.cli.console import one_line
from gptcli.cli.units import width
from gptcli.tasks.evaluate_events import EvaluationReport, ModelReport

LONGEST_NAME = 30
"""Of a model; of a longer one, as a path may be, the end is shown."""
_GAP = "  "
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """Cells, all as wide as the column."""

    width: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How figures are written."""

    titles: Mapping[str, str]
    """Of all figures, by their names."""
    best: Mapping[str, float]
    bold: bool
    """Whether the best is bold; else it has a star."""
    stacked: bool = False
    """Whether an interval stands under its value."""


def figure_blocks(report: EvaluationReport, room: int, *, bold: bool) -> Iterator[list[str]]:
    """Yield the table in blocks of as many models as fit side by side; narrow, intervals stand under the values."""
    titles = {figure.name: one_line(figure.title) for model in report.models for figure in model.figures}
    best = _best(report)
    form = _Form(titles=titles, best=best, bold=bold)
    names, *columns = _columns(report, form)
    if _width([names, *columns]) > room:
        stacked = list(_columns(report, replace(form, stacked=True)))
        if _width(stacked[:3]) <= room:  # else it would save nothing
            names, *columns = stacked
    while columns:
        count = next((n for n in range(len(columns), 1, -1) if _width([names, *columns[:n]]) <= room), 1)
        block = [names, *columns[:count]]
        columns = columns[count:]
        lines = [_GAP.join(cells).rstrip() for cells in zip(*(column.cells for column in block), strict=True)]
        yield [*lines, "* the best of the models"] if best and not bold and not columns else lines


def _columns(report: EvaluationReport, form: _Form) -> Iterator[_Column]:
    """Yield the titles, then the figures of each model."""
    below = [""] if form.stacked else []
    yield _padded(["", *(cell for title in form.titles.values() for cell in (title, *below))])
    for model in report.models:
        yield _of_model(model, form)


def _of_model(model: ModelReport, form: _Form) -> _Column:
    figures = {figure.name: figure for figure in model.figures}
    cells, strong = [_end_of(one_line(model.name))], [False]
    for name in form.titles:
        interval = figures[name].interval if name in figures else None
        value, ends = ("-", "") if interval is None else numbers.value_and_ends(interval)
        is_best = interval is not None and interval.value == form.best.get(name)
        star = " *" if is_best and not form.bold else ""
        found = [f"{value}{star}", ends] if form.stacked else [f"{value} {ends}".rstrip() + star]
        cells += found
        strong += [is_best and form.bold] * len(found)
    return _padded(cells, strong)


def _best(report: EvaluationReport) -> dict[str, float]:
    """Return the best value of each figure that compares between the models, and in which they differ."""
    values: dict[str, list[float]] = {}
    choose = {}
    for model in report.models:
        for figure in model.figures:
            if figure.better is not None and figure.name not in report.incomparable:
                choose[figure.name] = max if figure.better == "higher" else min
                values.setdefault(figure.name, []).append(figure.interval.value)
    found = {name: [value for value in of_models if not isnan(value)] for name, of_models in values.items()}
    return {name: choose[name](values) for name, values in found.items() if len(set(values)) > 1}


def _padded(texts: Sequence[str], strong: Sequence[bool] | None = None) -> _Column:
    """Return texts as a column, some of them bold."""
    room = max(map(width, texts))
    cells = [
        (f"{_BOLD}{text}{_PLAIN}" if is_strong else text) + " " * (room - width(text))
        for text, is_strong in zip(texts, strong or [False] * len(texts), strict=True)
    ]
    return _Column(width=room, cells=tuple(cells))


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _end_of(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
