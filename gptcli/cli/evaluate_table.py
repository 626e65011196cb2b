"""Show an evaluation to people: figures down, models across; under them differences, and what all of it is of."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from gptcli.cli import evaluate_numbers as numbers
from gptcli.cli.console import one_line
from gptcli.cli.evaluate_labels import label_blocks
from gptcli.cli.evaluate_words import differences, facts, verdict
from gptcli.cli.units import width
from gptcli.tasks.evaluate_events import ComparisonReport, EvaluationReport, ModelReport

LEAST_WIDTH = 40
LONGEST_NAME = 30
"""Of a model; of a longer one, as a path may be, the end is shown."""
FACTS_WIDTH = 12
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the place of the table can show."""

    columns: int = 80
    bold: bool = False
    """Whether it knows bold; else a star marks the best."""

    @property
    def room(self) -> int:
        """Return the columns of a line."""
        return max(self.columns, LEAST_WIDTH)

    def wrapped(self, text: str, name: str = "") -> list[str]:
        """Return a text, wrapped beside the name in front of it."""
        lines = textwrap.wrap(one_line(text), max(self.room - width(name), LEAST_WIDTH // 2), break_on_hyphens=False)
        return [f"{name if not number else ' ' * width(name)}{line}" for number, line in enumerate(lines)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """Cells, all as wide as the column."""

    width: int
    cells: tuple[str, ...]


def render(report: EvaluationReport, page: Page) -> str:
    """Return the whole page."""
    blocks = [*_tables(report, page)]
    for model in report.models:
        blocks += label_blocks(model, page.room, named=len(report.models) > 1)
    blocks += (_compared(report, one, page) for one in report.comparisons)
    told = [page.wrapped(text, f"{name:{FACTS_WIDTH}}") for name, text in facts(report)]
    blocks.append([line for lines in told for line in lines])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _tables(report: EvaluationReport, page: Page) -> Iterator[list[str]]:
    """Yield the table, in blocks of as many models as fit side by side."""
    titles = {figure.name: one_line(figure.title) for model in report.models for figure in model.figures}
    names = _padded(["", *titles.values()])
    best = _best(report)
    columns = [_of_model(model, titles, best, page) for model in report.models]
    while columns:
        fitting, used = 1, names.width + len(_GAP) + columns[0].width
        while fitting < len(columns) and used + len(_GAP) + columns[fitting].width <= page.room:
            used += len(_GAP) + columns[fitting].width
            fitting += 1
        block = [names, *columns[:fitting]]
        columns = columns[fitting:]
        lines = [_GAP.join(cells).rstrip() for cells in zip(*(column.cells for column in block), strict=True)]
        marked = best and not page.bold and not columns
        yield [*lines, "* the best of the models"] if marked else lines


def _of_model(model: ModelReport, titles: Mapping[str, str], best: Mapping[str, float], page: Page) -> _Column:
    figures = {figure.name: figure for figure in model.figures}
    cells, marked = [_end_of(one_line(model.name))], [False]
    for name in titles:
        interval = figures[name].interval if name in figures else None
        is_best = interval is not None and interval.value == best.get(name)
        text = "-" if interval is None else numbers.figure(interval)
        cells.append(f"{text} *" if is_best and not page.bold else text)
        marked.append(is_best and page.bold)
    return _padded(cells, marked)


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


def _compared(report: EvaluationReport, comparison: ComparisonReport, page: Page) -> list[str]:
    """Return two models' differences, and the sentence that says what the first of them means."""
    lines = page.wrapped(f"{comparison.model} minus {comparison.versus}, on the same rows:")
    told = [(one_line(title), text) for title, text in differences(comparison)]
    widest = max((width(title) for title, _ in told), default=0)
    for title, text in told:
        lines += page.wrapped(text, f"{_GAP}{title}{' ' * (widest - width(title))}{_GAP}")
    return lines + page.wrapped(verdict(report, comparison))


def _padded(texts: list[str], bold: list[bool] | None = None) -> _Column:
    """Return texts as a column, some of them bold."""
    room = max(map(width, texts))
    bold = bold or [False] * len(texts)
    cells = [
        (f"{_BOLD}{text}{_PLAIN}" if strong else text) + " " * (room - width(text))
        for text, strong in zip(texts, bold, strict=True)
    ]
    return _Column(width=room, cells=tuple(cells))


def _end_of(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
