"""Measure models on the rows of a data set: data in, figures with intervals and differences out."""

from collections.abc import Generator, Iterator, Sequence

from gptcli.data.contents import STANDARD_INPUT
from gptcli.data.rereading import Rereadable
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError
from gptcli.tasks.evaluate_bounds import require_bound
from gptcli.tasks.evaluate_config import EvaluateConfig
from gptcli.tasks.evaluate_events import EvaluateEvent, EvaluationReport, RowReport, TaskChosen
from gptcli.tasks.evaluate_reports import bound_report, comparison_report, have_one_tokenizer, model_report
from gptcli.tasks.evaluate_roles import choose_task
from gptcli.tasks.evaluate_rows import EvaluationRows
from gptcli.tasks.evaluate_scoring import Scored, Scoring, shared_rows
from gptcli.tasks.events import Notice, Stage


def evaluate(config: EvaluateConfig) -> Generator[EvaluateEvent, None, None]:
    """Yield TaskChosen, what comes of each row with each model, an EvaluationReport, and RowReports if wanted.

    Raises InputError, ConfigError, ModelError or DeviceError when the run as a whole cannot go on.
    """
    for model in config.all_models:
        require_device(model)
    names = [STANDARD_INPUT if path == "-" else path for path in config.paths]
    yield Stage(text=f"reading {', '.join(names)}")
    with Rereadable(config.paths, config.stdin) as data:
        run = _Run(config, data)
        yield from run.choice()
        scored = yield from run.scored()
        if not config.share.is_main:
            return
        yield Stage(text="resampling")
        yield (yield from run.report(scored))
        yield from run.drawn(scored)
        if config.per_row:
            yield from run.row_reports(scored)


class _Run:
    """What one evaluation reads, asks and finds."""

    def __init__(self, config: EvaluateConfig, data: Rereadable) -> None:
        """Choose the task; raises InputError and ConfigError."""
        self._config = config
        self._data = data
        self._rows = EvaluationRows(data, lines=config.lines, limit=config.limit)
        self._look = self._rows.look()
        self._roles = choose_task(self._look, config.task, config.wanted, by=config.chosen_by)
        self._evaluator = config.options(self._roles.task).evaluator(self._roles)
        self._scoring = Scoring(data, self._rows, self._evaluator, config.share)
        if config.lines and self._evaluator.whole_files:
            raise ConfigError("--lines and a --protocol that reads files whole contradict each other: leave one out")
        for bound in config.bounds:
            require_bound(bound, self._roles.task, self._evaluator.metrics)
            self._evaluator.require(bound.metric)

    def choice(self) -> Iterator[Notice | TaskChosen]:
        """Yield what was decided; reads all rows once, to count them."""
        yield from (Notice(text=text) for text in self._look.notices)
        rows = self._rows.counted(whole_files=self._evaluator.whole_files)
        yield TaskChosen(task=self._roles.task, reason=self._roles.reason, rows=rows)

    def scored(self) -> Generator[EvaluateEvent, None, list[Scored]]:
        """Return what each model made of the rows that all of them could score; raises InputError for none."""
        scored = yield from self._scoring.of_models(self._config.all_models)
        return (yield from shared_rows(scored, self._rows.count)) if self._config.share.is_main else scored

    def drawn(self, scored: Sequence[Scored]) -> Iterator[EvaluateEvent]:
        """Draw what there is to draw of each model; raises OutputError."""
        for one in scored:
            yield from self._evaluator.draw(one.scores, one.located.name)

    def report(self, scored: Sequence[Scored]) -> Generator[Notice, None, EvaluationReport]:
        """Return the figures and the differences; tell which do not compare, and what is odd about the rows."""
        config, evaluator = self._config, self._evaluator
        incomparable = frozenset[str]()
        if len(scored) > 1 and evaluator.token_metrics and not have_one_tokenizer(scored):
            incomparable = evaluator.token_metrics
            yield Notice(text=f"the models' tokenizers differ: {', '.join(sorted(incomparable))} do not compare")
        for one in scored:
            of_model = f"{one.located.name}: " if len(scored) > 1 else ""
            yield from (Notice(text=f"{of_model}{text}") for text in evaluator.remarks(one.scores))
        models = tuple(model_report(evaluator, one, config.bootstrap) for one in scored)
        asked = len(config.models)
        return EvaluationReport(
            task=self._roles.task,
            reason=self._roles.reason,
            files=self._data.files,
            limit=config.limit,
            rows_read=self._rows.count,
            rows_failed=self._scoring.failed,
            scored=scored[0].scores.rows,
            convention=evaluator.convention,
            bootstrap=config.bootstrap,
            models=models,
            comparisons=tuple(
                comparison_report(evaluator, first, second, bootstrap=config.bootstrap, without=incomparable)
                for second in scored[asked:]
                for first in scored[:asked]
            ),
            incomparable=incomparable,
            bounds=tuple(bound_report(bound, model) for model in models[:asked] for bound in config.bounds),
        )

    def row_reports(self, scored: Sequence[Scored]) -> Iterator[RowReport]:
        """Yield what each model gave each row."""
        for number in range(scored[0].scores.rows):
            index = self._evaluator.source_row(scored[0].scores, number)
            values = tuple(self._evaluator.row(one.scores, number) for one in scored)
            yield RowReport(index=index, origin=self._rows.origin(index), values=values)
