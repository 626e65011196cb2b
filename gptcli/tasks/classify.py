"""Label texts: rows in, labels out, in order."""

from collections.abc import Generator, Iterator

from gptcli.data.columns import TEXT_COLUMNS, choose_column, text_of
from gptcli.data.labels import LabelKind
from gptcli.data.records import Record
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.agreement import Agreement
from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, DEFAULT_THRESHOLD, ClassifyConfig
from gptcli.tasks.cuts import summed
from gptcli.tasks.events import Classified, Event, ModelReady, Notice, RowFailed, Stage
from gptcli.tasks.labelling.labeller import Labelled, Labeller, TextRow, given_labels, open_labeller
from gptcli.tasks.labelling.option_checks import GIVES, refuse_idle_options
from gptcli.tasks.locating import loading, located_model
from gptcli.tasks.shared_rows import Elsewhere, shared_in_order

RowEvent = Classified | RowFailed


def classify(config: ClassifyConfig) -> Generator[Event, None, None]:
    """Yield a Classified for every row, in input order, and RowFailed for one that cannot be done; figures at the end.

    Raises ModelError, DeviceError, ConfigError or InputError when the run as a whole cannot go on.
    """
    require_device(config.model)
    located = yield from located_model(config.model.model, config.share)
    yield loading(located, config.model)
    labeller = open_labeller(located, config.model, config.labels, long=config.long)
    _refuse_idle_options(config, labeller.labels.kind)
    yield ModelReady(directory=str(labeller.directory.resolve()), dtype=labeller.dtype)
    for detail in labeller.details:
        yield Notice(text=detail, detail=True)
    rows = _Rows(config, labeller)
    yield Stage(text="classifying")
    events: Iterator[RowEvent] = shared_in_order(config.share, rows.labelled())
    for event in events:
        rows.compare(event)
        yield event
    yield from rows.reports()


def _refuse_idle_options(config: ClassifyConfig, kind: LabelKind) -> None:
    """Raise ConfigError for an option that a model with this kind of label has no use for."""
    given = {
        "--top": config.top,
        "--min-prob": config.min_prob,
        "--threshold": config.threshold,
        "--label-separator": config.label_separator,
    }
    refuse_idle_options(given, kind, "this model")
    if config.abstains and kind == "regression":
        raise ConfigError(f"--abstain-label cannot apply: this model {GIVES[kind]}")
    if config.abstains and kind == "single" and config.min_prob is None:
        raise ConfigError(f"--abstain-label needs --min-prob: this model {GIVES[kind]}, however unlikely")


class _Rows:
    """The rows of one run on their way: records to texts, and probabilities back to labels."""

    def __init__(self, config: ClassifyConfig, labeller: Labeller) -> None:
        self._config = config
        self._labeller = labeller
        self._labels = labeller.labels
        self._agreement: Agreement | None = None
        if config.label_column is not None:
            separator = DEFAULT_LABEL_SEPARATOR if config.label_separator is None else config.label_separator
            self._agreement = Agreement(labeller.labels, config.label_column, separator)
        self._column: str | None = None

    def _texts(self) -> Iterator[TextRow | RowFailed | Elsewhere]:
        """Yield the text of each row that is still to be done, or why there is none."""
        for index, record in enumerate(self._config.records):
            self._settle_columns(record)
            if index < self._config.skip_rows:
                continue
            if not self._config.share.mine(index):
                yield Elsewhere(number=index, record=record)
                continue
            try:
                yield TextRow(index=index, record=record, text=text_of(record, self._column or ""))
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))

    def labelled(self) -> Iterator[RowEvent | Elsewhere]:
        """Yield what comes of the rows that are this process's to do, and the others in their place."""
        items: Iterator[Labelled | RowFailed | Elsewhere] = self._labeller.labelled(self._texts())
        for item in items:
            yield self._classified(item) if isinstance(item, Labelled) else item

    def _classified(self, result: Labelled) -> Classified:
        """Return the answer for a row."""
        kind, values = self._labels.kind, result.probabilities
        order = [int(number) for number in (-values).argsort(kind="stable")] if kind != "regression" else []
        ranked = [(self._labels.names[number], float(values[number])) for number in order]
        return Classified(
            index=result.row.index,
            record=result.row.record,
            text=result.row.text,
            kind=kind,
            labels=given_labels(
                self._labels,
                values,
                least=self._config.min_prob or 0,
                threshold=DEFAULT_THRESHOLD if self._config.threshold is None else self._config.threshold,
            ),
            probabilities=tuple(ranked[: self._config.top]),
            value=float(values[0]) if kind == "regression" else None,
            tokens=result.tokens,
            option_mass=result.option_mass,
        )

    def compare(self, event: RowEvent) -> None:
        """Compare an answer with the input's label, if there are both."""
        if self._agreement is not None and isinstance(event, Classified):
            self._agreement.count(event)

    def reports(self) -> Iterator[Event]:
        """Yield every cut, and how the answers agree with the input's labels."""
        yield from summed(self._config.share, self._labeller.notices())
        if self._agreement is not None:
            if self._config.skip_rows:
                yield Notice(text=f"rows of the earlier run, not compared again: {self._config.skip_rows:,}")
            yield from self._agreement.reports()

    def _settle_columns(self, record: Record) -> None:
        """Let the first whole row settle which column holds the texts; raises InputError where none does."""
        if self._column is None and record.error is None:
            try:
                self._column = choose_column(list(record.columns), self._config.column, TEXT_COLUMNS)
            except InputError as error:
                raise InputError(f"{record.source}: {error}") from error
            if self._agreement is not None:
                self._agreement.check(record)
