"""Labels of a model's own: a classification head that was tuned on them."""

from collections.abc import Generator, Iterable, Iterator

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Tokens
from gptcli.engine.classifier import load_classifier
from gptcli.engine.classify_stream import Document, DocumentLogits, logits_in_order
from gptcli.engine.options import ModelOptions
from gptcli.errors import InputError, ModelError
from gptcli.evaluation.probabilities import Pooling, pooled, probabilities
from gptcli.tasks.config import Long
from gptcli.tasks.cuts import BLANK
from gptcli.tasks.events import Notice, RowFailed
from gptcli.tasks.labelling.labeller import Labelled, Labeller, Other, TextRow
from gptcli.tasks.long_texts import LongTexts
from gptcli.tasks.windows import beginning


class HeadLabeller(Labeller):
    """A classifier and the window that texts must fit into."""

    def __init__(self, located: Located, options: ModelOptions, *, long: Long) -> None:
        """Open the model; raises ModelError, for one without a head too, DeviceError or ConfigError."""
        model = load_classifier(located, options)
        self.labels = model.labels
        self.directory, self.dtype, self.details = model.directory, model.dtype, (model.description,)
        self._model = model
        self._begin = beginning(model.config)
        size = model.config.n_positions
        self.room = size - sum(map(len, model.tokenizer.ends))
        self._texts = LongTexts(model.tokenizer, size=size, place=f"the context of {size:,} tokens", long=long)
        self._pooling: Pooling = "max" if long == "max" else "mean"
        self._open: dict[int, tuple[TextRow, int]] = {}

    def labelled(self, rows: Iterable[TextRow | Other]) -> Generator[Labelled | RowFailed | Other, None, None]:
        """Yield what the head says of each row, at the row's last token."""
        documents = (self._document(row) if isinstance(row, TextRow) else row for row in rows)
        said: Generator[DocumentLogits | RowFailed | Other, None, None] = logits_in_order(
            self._model.classifier, documents, most_rows=self._model.most_rows
        )
        for item in said:
            yield self._said(item) if isinstance(item, DocumentLogits) else item

    def notices(self) -> Iterator[Notice]:
        """Yield what was cut."""
        return self._texts.notices()

    def _document(self, row: TextRow) -> Document | RowFailed:
        """Return the tokens of a row, or why there are none."""
        try:
            windows = self._texts.windows(row.place, self._tokens(row))
        except InputError as error:
            return RowFailed(index=row.index, record=row.record, message=str(error))
        self._open[row.index] = (row, sum(map(len, windows)))
        return Document(key=row.index, windows=windows)

    def _tokens(self, row: TextRow) -> Tokens:
        """Return the tokens of a text and those that the tokenizer puts around it.

        Raises InputError where there is none.
        """
        before, behind = self._model.tokenizer.ends
        tokens = np.array([*before, *self._texts.tokens(row.text), *behind], np.int32)
        if len(tokens):
            if row.text.isspace():
                self._texts.cuts.count(BLANK, row.place)
            return tokens
        if self._begin is None:
            raise InputError("is empty, and this model has no beginning-of-text token")
        self._texts.cuts.count("empty texts, labelled by the beginning-of-text token", row.place)
        return np.array([self._begin], np.int32)

    def _said(self, result: DocumentLogits) -> Labelled:
        """Return the probabilities of a row; raises ModelError for weights that give none."""
        row, tokens = self._open.pop(result.key)
        if not np.isfinite(result.values).all():
            raise ModelError("the model predicts no number: its weights are damaged, or too large for this --dtype")
        kind = self.labels.kind
        values = pooled(probabilities(result.values, kind), kind, self._pooling)
        return Labelled(row=row, probabilities=values, tokens=tokens)
