"""Put together what `evaluate` found: figures of each model, differences, and whether bounds are kept."""

from collections.abc import Sequence

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.evaluate_events import BoundReport, ComparisonReport, ModelReport
from gptcli.tasks.evaluate_scoring import Scored
from gptcli.tasks.evaluators.base import Evaluator


def model_report(evaluator: Evaluator, scored: Scored, bootstrap: Bootstrap) -> ModelReport:
    """Return the figures of a model's rows."""
    return ModelReport(
        name=scored.located.name,
        directory=scored.ready.directory,
        dtype=scored.ready.dtype,
        figures=evaluator.figures(scored.scores, bootstrap),
        details=evaluator.details(scored.scores),
    )


def comparison_report(
    evaluator: Evaluator, first: Scored, second: Scored, *, bootstrap: Bootstrap, without: frozenset[str]
) -> ComparisonReport:
    """Return the differences of two models on the same rows, without those of some figures."""
    differences = evaluator.differences(first.scores, second.scores, bootstrap)
    return ComparisonReport(
        model=first.located.name,
        versus=second.located.name,
        differences=tuple(difference for difference in differences if difference.name not in without),
    )


def have_one_tokenizer(scored: Sequence[Scored]) -> bool:
    """Return whether all models cut every text into the same tokens."""
    directories = [one.located.directory for one in scored]
    tokenizers = [load_tokenizer(directory, read_config(directory)) for directory in directories]
    return all(tokenizer.cuts_as(tokenizers[0]) for tokenizer in tokenizers[1:])


def bound_report(bound: Bound, model: ModelReport) -> BoundReport:
    """Return whether a figure is good enough; nan never is, nor is one that the data does not give."""
    figure = next((figure for figure in model.figures if figure.name == bound.metric), None)
    value = None if figure is None else figure.interval.value
    better = "higher" if figure is None or figure.better is None else figure.better
    return BoundReport(
        model=model.name,
        metric=bound.metric,
        value=value,
        bound=bound.value,
        better=better,
        passed=value is not None and (value <= bound.value if better == "lower" else value >= bound.value),
    )
