"""The rows of numbers that come of read passages: one each, or of a single one its blocks."""

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.scores import RowScores
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.evaluators.columns import Columns
from gptcli.tasks.evaluators.perplexity_reading import Reach, Read

SUMS = ("nats", "tokens", "words", "bytes", "unscored", "counted_nats", "counted")
"""nats: the summed negative log-likelihood of the tokens scored; tokens, words, bytes: how many these are.
unscored: the text's other tokens. counted_nats, counted: of a mean over windows, where they do not count as they are.
"""
REACH = ("context", "stride", "beginning")
COLUMNS = (*SUMS, *REACH, "row", "block")


class PassageRows:
    """The rows of one model; the first passage waits for another, since one that is alone is parted into blocks."""

    def __init__(self, reach: Reach, cuts: Cuts) -> None:
        self._reach = (reach.context, reach.stride, float(reach.beginning is not None))
        self._cuts = cuts
        self._columns = Columns(*COLUMNS)
        self._first: Read | None = None
        self._is_empty = True

    def add(self, read: Read) -> None:
        """Take what has been read, in the order of the input."""
        if self._is_empty and len(read.passages) == 1:
            self._first, self._is_empty = read, False
            return
        self._let_go_of_first()
        self._add(read)

    def scores(self, *, texts: int) -> RowScores:
        """Return all rows; texts is how many there were, of which some may have no token that is scored."""
        if texts > 1:
            self._let_go_of_first()
        if self._first is not None:
            passage = self._first.passages[0]
            for number, sums in enumerate(_sums(self._first)):
                self._columns.add(number, *sums, *self._reach, passage.row, 1)
        return self._columns.scores()

    def _let_go_of_first(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            self._add(first)

    def _add(self, read: Read) -> None:
        sums = _sums(read)
        if len(read.passages) == 1:
            sums = sums.sum(0, keepdims=True)
        for passage, values in zip(read.passages, sums.tolist(), strict=True):
            if values[SUMS.index("tokens")]:
                self._columns.add(passage.number, *values, *self._reach, passage.row, 0)
            else:
                self._cuts.count("texts of which no token is scored, left out", passage.place)


def _sums(read: Read) -> NDArray[np.float64]:
    """Return the sums of each unit, (units, sums)."""
    words = np.array([passage.words for passage in read.passages], np.float64)
    utf8_bytes = np.array([passage.utf8_bytes for passage in read.passages], np.float64)
    columns = read.tally.columns(words, utf8_bytes, one_text=len(read.passages) == 1)
    return np.stack([columns[name] for name in SUMS], axis=1)
