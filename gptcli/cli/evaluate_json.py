"""An evaluation as JSON: the objects of --json and --per-row, whose keys docs/evaluate.md explains."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from gptcli import __version__
from gptcli.tasks.evaluate_events import (
    ComparisonReport,
    EvaluationReport,
    ModelReport,
    RowReport,
)

if TYPE_CHECKING:
    from gptcli.evaluation.resampling import Interval
    from gptcli.evaluation.scores import Difference, Figure

SCHEMA = 1
"""Changes when a key goes or means something else; new keys leave it."""


def report_object(report: EvaluationReport) -> dict[str, object]:
    """Return all of a report."""
    return {
        "schema": SCHEMA,
        "gptcli": __version__,
        "task": report.task,
        "reason": report.reason,
        "files": [asdict(file) for file in report.files],
        "limit": report.limit,
        "rows_read": report.rows_read,
        "rows_failed": report.rows_failed,
        "scored": report.scored,
        "convention": dict(report.convention),
        "bootstrap": asdict(report.bootstrap),
        "models": [_model(model) for model in report.models],
        "comparisons": [_comparison(comparison) for comparison in report.comparisons],
        "incomparable": sorted(report.incomparable),
        "bounds": [asdict(bound) for bound in report.bounds],
    }


def row_object(row: RowReport, models: Sequence[ModelReport]) -> dict[str, object]:
    """Return what each model gave a row."""
    scores = {model.name: dict(values) for model, values in zip(models, row.values, strict=True)}
    return {"index": row.index, "origin": row.origin, "scores": scores}


def _model(model: ModelReport) -> dict[str, object]:
    return {
        "name": model.name,
        "directory": model.directory,
        "dtype": model.dtype,
        "figures": {figure.name: _figure(figure) for figure in model.figures},
        "details": dict(model.details),
    }


def _figure(figure: "Figure") -> dict[str, object]:
    return {"title": figure.title, **_interval(figure.interval), "better": figure.better}


def _comparison(comparison: ComparisonReport) -> dict[str, object]:
    differences = {difference.name: _difference(difference) for difference in comparison.differences}
    return {"model": comparison.model, "versus": comparison.versus, "differences": differences}


def _difference(difference: "Difference") -> dict[str, object]:
    found = difference.comparison
    return {
        "title": difference.title,
        **_interval(found.difference),
        "wins": found.wins,
        "ties": found.ties,
        "losses": found.losses,
        "sign_test": found.sign_test,
    }


def _interval(interval: "Interval") -> dict[str, object]:
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "rows": interval.rows,
        "method": interval.method,
    }
