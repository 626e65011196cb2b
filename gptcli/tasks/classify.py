"""Label texts with a model's classification head: rows in, labels out, in order."""

from collections.abc import Generator, Iterator

import numpy as np

from gptcli.data.columns import TEXT_COLUMNS, choose_column, text_of
from gptcli.data.labels import LabelSet
from gptcli.data.records import Record
from gptcli.engine.classifier import LoadedClassifier, load_classifier
from gptcli.engine.classify_stream import Document, DocumentLogits, logits_in_order
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError, InputError, ModelError
from gptcli.evaluation.probabilities import Pooling, Values, pooled, probabilities
from gptcli.tasks.agreement import Agreement
from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, DEFAULT_THRESHOLD, ClassifyConfig
from gptcli.tasks.events import Classified, Event, ModelReady, Notice, RowFailed, Stage
from gptcli.tasks.locating import located_model
from gptcli.tasks.long_texts import LongTexts


def classify(config: ClassifyConfig) -> Generator[Event, None, None]:
    """Yield a Classified for every row, in input order, and RowFailed for one that cannot be done; figures at the end.

    Raises ModelError, DeviceError, ConfigError or InputError when the run as a whole cannot go on.
    """
    require_device(config.model)
    located = yield from located_model(config.model.model)
    yield Stage(text=f"loading {located.name}")
    model = load_classifier(located, config.model)
    _refuse_idle_options(config, model.labels)
    yield ModelReady(directory=str(model.directory.resolve()), dtype=model.dtype)
    yield Notice(text=model.description, detail=True)
    rows = _Rows(config, model)
    yield Stage(text="classifying")
    for item in logits_in_order(model.classifier, rows.documents(), most_rows=model.most_rows):
        yield rows.classified(item) if isinstance(item, DocumentLogits) else item
    yield from rows.reports()


def _refuse_idle_options(config: ClassifyConfig, labels: LabelSet) -> None:
    """Raise ConfigError for an option that this kind of model has no use for."""
    kinds = {"single": "gives each text one class", "multi": "gives each text any number of labels", "regression": ""}
    tells = kinds[labels.kind] or "gives each text a number"
    for option, value, kind in (
        ("--top", config.top, "single"),
        ("--min-prob", config.min_prob, "single"),
        ("--threshold", config.threshold, "multi"),
        ("--label-separator", config.label_separator, "multi"),
    ):
        if value is not None and labels.kind != kind:
            raise ConfigError(f"{option} cannot apply: this model {tells}")


class _Rows:
    """The rows of one run on their way: records to documents, and logits back to labels."""

    def __init__(self, config: ClassifyConfig, model: LoadedClassifier) -> None:
        self._config = config
        self._labels = model.labels
        self._texts = LongTexts(model.tokenizer, model.config, config.long)
        self._agreement: Agreement | None = None
        if config.label_column is not None:
            separator = DEFAULT_LABEL_SEPARATOR if config.label_separator is None else config.label_separator
            self._agreement = Agreement(model.labels, config.label_column, separator)
        self._pooling: Pooling = "max" if config.long == "max" else "mean"
        self._open: dict[int, tuple[Record, str, int]] = {}
        self._column: str | None = None

    def documents(self) -> Iterator[Document | RowFailed]:
        """Yield the tokens of each row that is still to be done, or why there are none."""
        for index, record in enumerate(self._config.records):
            self._settle_columns(record)
            if index < self._config.skip_rows:
                continue
            try:
                yield self._document(index, record)
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))

    def classified(self, result: DocumentLogits) -> Classified:
        """Return the answer for a row; raises ModelError for weights that give none."""
        record, text, tokens = self._open.pop(result.key)
        kind = self._labels.kind
        if not np.isfinite(result.values).all():
            raise ModelError("the model predicts no number: its weights are damaged, or too large for this --dtype")
        values = pooled(probabilities(result.values, kind), kind, self._pooling)
        order = [int(number) for number in (-values).argsort(kind="stable")] if kind != "regression" else []
        ranked = [(self._labels.names[number], float(values[number])) for number in order]
        classified = Classified(
            index=result.key,
            record=record,
            text=text,
            kind=kind,
            labels=self._given(values),
            probabilities=tuple(ranked[: self._config.top]),
            value=float(values[0]) if kind == "regression" else None,
            tokens=tokens,
        )
        if self._agreement is not None:
            self._agreement.count(classified)
        return classified

    def reports(self) -> Iterator[Event]:
        """Yield every cut, and how the answers agree with the input's labels."""
        for text in self._texts.notices():
            yield Notice(text=text)
        if self._agreement is not None:
            if self._config.skip_rows:
                yield Notice(text=f"{self._config.skip_rows:,} rows of the earlier run are not compared again")
            yield from self._agreement.reports()

    def _given(self, values: Values) -> tuple[str, ...]:
        """Return the labels that are likely enough, in the model's order."""
        names = self._labels.names
        match self._labels.kind:
            case "single":
                best = int(values.argmax())
                return (names[best],) if values[best] >= (self._config.min_prob or 0) else ()
            case "multi":
                threshold = DEFAULT_THRESHOLD if self._config.threshold is None else self._config.threshold
                return tuple(name for name, value in zip(names, values, strict=True) if value >= threshold)
            case "regression":
                return ()

    def _document(self, index: int, record: Record) -> Document:
        """Return the tokens of one row; raises InputError when there can be none."""
        text = text_of(record, self._column or "")
        windows = self._texts.windows(record.origin, text)
        self._open[index] = (record, text, sum(map(len, windows)))
        return Document(key=index, windows=windows)

    def _settle_columns(self, record: Record) -> None:
        """Let the first whole row settle which column holds the texts; raises InputError where none does."""
        if self._column is None and record.error is None:
            try:
                self._column = choose_column(list(record.columns), self._config.column, TEXT_COLUMNS)
            except InputError as error:
                raise InputError(f"{record.source}: {error}") from error
            if self._agreement is not None:
                self._agreement.check(record)
