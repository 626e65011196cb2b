"""Measure models by tasks of lm-evaluation-harness, which bring their own data, and report it as any evaluation."""

from collections.abc import Generator, Sequence

from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import require_device
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.evaluate_events import EvaluateEvent, EvaluationReport, ModelReport
from gptcli.tasks.evaluate_reports import bound_report
from gptcli.tasks.evaluate_scoring import found_models
from gptcli.tasks.harness import require_harness, run_harness
from gptcli.tasks.harness_config import HarnessConfig


def evaluate_by_harness(
    config: HarnessConfig, models: Sequence[ModelOptions], bounds: Sequence[Bound]
) -> Generator[EvaluateEvent, None, None]:
    """Yield what happens, and an EvaluationReport.

    Raises MissingExtraError, ConfigError, InputError, ModelError or DeviceError when the run cannot go on.
    """
    require_harness()
    for model in models:
        require_device(model)
    located = yield from found_models(models)
    reports: list[ModelReport] = []
    for one, options in zip(located, models, strict=True):
        found = yield from run_harness(config, one, options)
        reports.append(found.model)
    yield EvaluationReport(
        task="harness",
        reason=f"harness: {', '.join(config.tasks)} of lm-evaluation-harness",
        files=(),
        limit=config.limit,
        rows_read=found.rows,
        rows_failed=0,
        scored=found.rows,
        convention=found.convention,
        bootstrap=config.bootstrap,
        models=tuple(reports),
        comparisons=(),
        incomparable=frozenset(),
        bounds=tuple(bound_report(bound, report) for report in reports for bound in bounds),
    )
