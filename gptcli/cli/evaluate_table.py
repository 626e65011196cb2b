"""Show an evaluation to people: figures, labels one by one, differences, and what all of it is of."""

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gptcli.cli import evaluate_numbers as numbers
from gptcli.cli.console import one_line
from gptcli.cli.evaluate_figures import figure_blocks
from gptcli.cli.evaluate_labels import label_blocks
from gptcli.cli.evaluate_verdicts import alike, are_alike, verdict
from gptcli.cli.evaluate_words import facts
from gptcli.cli.units import aligned, width
from gptcli.tasks.evaluate_events import ComparisonReport, EvaluationReport

if TYPE_CHECKING:
    from gptcli.evaluation.scores import Difference

LEAST_WIDTH = 40
FACTS_WIDTH = 12
_GAP = "  "
_HEAD = ("", "difference", "better", "equal", "worse", "sign test")
"""Over a comparison: rows in which the first model is better, and p."""


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


def render(report: EvaluationReport, page: Page) -> str:
    """Return the whole page."""
    blocks = [*figure_blocks(report, page.room, bold=page.bold)]
    for model in report.models:
        blocks += label_blocks(model, page.room, named=len(report.models) > 1)
    blocks += (_compared(report, one, page) for one in report.comparisons)
    told = [page.wrapped(text, f"{name:{FACTS_WIDTH}}") for name, text in facts(report)]
    blocks.append([line for lines in told for line in lines])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _compared(report: EvaluationReport, comparison: ComparisonReport, page: Page) -> list[str]:
    """Return two models' differences, and the sentence that says what the first of them means."""
    lines = page.wrapped(f"{comparison.model} minus {comparison.versus}, on the same rows:")
    shown = [one for one in comparison.differences if not are_alike(one)]
    if shown:
        table = aligned([_HEAD, *map(_cells, shown)])
        fits = max(map(width, table)) <= page.room
        lines += table if fits else [line for one in shown for line in _in_two_lines(one)]
        for one in comparison.differences:
            if are_alike(one):
                lines += page.wrapped(alike(report, one), f"{_GAP}{one_line(one.title)}{_GAP}")
    return lines + page.wrapped(verdict(report, comparison))


def _cells(difference: "Difference") -> list[str]:
    found = difference.comparison
    counts = (f"{count:,}" for count in (found.wins, found.ties, found.losses))
    shown = numbers.difference(found.difference)
    return [f"{_GAP}{one_line(difference.title)}", shown, *counts, numbers.p_value(found.sign_test)]


def _in_two_lines(difference: "Difference") -> list[str]:
    title, shown, better, equal, worse, p = _cells(difference)
    return [f"{title}{_GAP}{shown}", f"{_GAP * 2}better in {better}, equal in {equal}, worse in {worse}; {p}"]
