"""What stands under the figures of an evaluation: what all of it is of."""

from collections.abc import Iterator, Mapping
from math import isnan

from gptcli.cli import evaluate_numbers as numbers
from gptcli.data.rereading import DataFile
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluate_events import EvaluationReport, ModelReport

_DIGEST_DIGITS = 16
"""Of a sha256: enough to tell files apart; --json has all."""
_MOST_FILES = 3


def facts(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    """Yield what the figures are of, each fact with its name."""
    yield "task", report.reason
    if report.files:
        yield "data", _files(report.files)
    yield "rows", _rows(report)
    yield "measured", _plain(report.convention)
    for model in report.models:
        details = {name: value for name, value in model.details.items() if isinstance(value, str | int | float)}
        if details:
            yield "model", f"{model.name}: {_plain(details)}"
    yield "intervals", _intervals(report.models, report.bootstrap)


def _files(files: tuple[DataFile, ...]) -> str:
    told = [f"{file.name} (sha256 {file.sha256[:_DIGEST_DIGITS]})" for file in files[:_MOST_FILES]]
    rest = len(files) - len(told)
    return ", ".join(told) + (f" and {rest:,} files more" if rest else "")


def _rows(report: EvaluationReport) -> str:
    first = "one" if report.rows_read == 1 else "ones"
    limited = f", the first {first} (--limit {report.limit:,})" if report.limit is not None else ""
    failed = f", {report.rows_failed:,} of them left out since they could not be scored" if report.rows_failed else ""
    told = f"{report.rows_read:,} read{limited}{failed}"
    if report.scored == report.rows_read - report.rows_failed:
        return told
    units = "texts or parts of them" if report.task == "perplexity" else "of them"
    return f"{told}; the figures are of {report.scored:,} {units}"


def _intervals(models: tuple[ModelReport, ...], bootstrap: Bootstrap) -> str:
    if all(isnan(figure.interval.low) for model in models for figure in model.figures):
        return "none: they are over rows, and need two of them that differ"
    if all(figure.interval.method == "normal" for model in models for figure in model.figures):
        return "95 %, 1.96 standard errors of lm-evaluation-harness to each side"
    return f"95 %, by {bootstrap.resamples:,} resamples, seed {bootstrap.seed}"


def _spelled(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: object) -> str:
    """Return a part of a convention in words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return numbers.number(value)
        case str() if value.strip() != value or not value:
            return repr(value)
        case Mapping():
            return ", ".join(f"{_spelled(str(name))} {_plain(member)}" for name, member in value.items())
        case list() | tuple():
            return ", ".join(map(_plain, value))
    return str(value)
