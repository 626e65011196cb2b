"""Say in words what the differences between two models mean."""

from collections.abc import Iterator
from math import isfinite, isnan
from typing import TYPE_CHECKING

from gptcli.cli import evaluate_numbers as numbers
from gptcli.tasks.evaluate_events import ComparisonReport, EvaluationReport

if TYPE_CHECKING:
    from gptcli.evaluation.resampling import Comparison
    from gptcli.evaluation.scores import Difference


def verdict(report: EvaluationReport, comparison: ComparisonReport) -> str:
    """Say what the first difference means, what p is, and which of the others say something else."""
    if not comparison.differences:
        return f"No figure of {comparison.model} compares with one of {comparison.versus}."
    first = comparison.differences[0]
    if all(map(are_alike, comparison.differences)):
        return alike(report, first)
    is_better = _is_better(report, first)
    told = [_of_headline(report, comparison, is_better=is_better)]
    if not are_alike(first) and first.comparison.difference.rows > 1:
        told.append(_counted(report, comparison.model, first.comparison))
    return " ".join([*told, *_others(report, comparison, is_better=is_better)])


def are_alike(difference: "Difference") -> bool:
    """Return whether two models have the same figure and no row speaks for either."""
    found = difference.comparison
    return found.difference.value == 0 and not found.wins and not found.losses


def alike(report: EvaluationReport, difference: "Difference") -> str:
    """Say that two models do not differ in any row."""
    return f"Both gave the same in all {_rows(difference.comparison):,} {_unit(report)}."


def _of_headline(report: EvaluationReport, comparison: ComparisonReport, *, is_better: bool | None) -> str:
    """Say what the first difference means."""
    model, versus, first = comparison.model, comparison.versus, comparison.differences[0]
    interval = first.comparison.difference
    if are_alike(first):
        return f"{model} and {versus} have the same {first.title}."
    if interval.rows < 2:
        return f"These are too few {_unit(report)} to tell which of {model} and {versus} is better."
    if isnan(interval.low):
        why = f", since the {_unit(report)} are alike in it" if isfinite(interval.value) else ""
        return f"The difference in {first.title} has no interval{why}."
    if is_better is None:
        return (
            f"These {_unit(report)} do not tell which of {model} and {versus} is better: the interval of their "
            f"difference in {first.title} holds 0."
        )
    return (
        f"{model} is {'better' if is_better else 'worse'} than {versus}: {numbers.size_of(interval)} "
        f"{'lower' if interval.value < 0 else 'higher'} in {first.title}."
    )


def _others(report: EvaluationReport, comparison: ComparisonReport, *, is_better: bool | None) -> Iterator[str]:
    """Tell of the further figures whose interval does not hold 0, where they say something else than the first."""
    decided = [(one.title, _is_better(report, one)) for one in comparison.differences[1:]]
    told = [
        f"{word} in {' and '.join(titles)}"
        for word, way in (("better", True), ("worse", False))
        if way != is_better and (titles := [title for title, better in decided if better == way])
    ]
    if told:
        yield f"Yet {comparison.model} is {', and '.join(told)}: the intervals of these differences do not hold 0."


def _is_better(report: EvaluationReport, difference: "Difference") -> bool | None:
    """Return whether the first model is better by a figure; None where its interval holds 0, or there is none."""
    interval = difference.comparison.difference
    # A difference that is no figure is one of nats, of which fewer are better.
    better = next((figure.better for figure in report.models[0].figures if figure.name == difference.name), None)
    if isnan(interval.low) or interval.low <= 0 <= interval.high:
        return None
    return (interval.value < 0) == (better != "higher")


def _counted(report: EvaluationReport, model: str, found: "Comparison") -> str:
    """Say in how many rows which model is better, and what the sign test makes of it."""
    return (
        f"{model} is better in {found.wins:,} of {_rows(found):,} {_unit(report)} and worse in {found.losses:,}; by "
        f"chance alone, so uneven a split or a more uneven one has {numbers.p_value(found.sign_test)}."
    )


def _rows(found: "Comparison") -> int:
    return found.wins + found.ties + found.losses


def _unit(report: EvaluationReport) -> str:
    """Say what is compared one by one: a text may be scored in parts."""
    is_parted = report.task == "perplexity" and report.scored != report.rows_read - report.rows_failed
    return "parts" if is_parted else "rows"
