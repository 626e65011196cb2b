"""Compare what a model says with the labels of the input, and tell at the end how often they agree."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from gptcli.data.labels import LabelSet, names_of, number_of
from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Classified, Measured, Notice, Place

SHOWN_LABELS = 5
_UNKNOWN = "rows with a label that the model does not have, counted as wrong"


def all_unknown(rows: int, unknown: Collection[str], known: Sequence[str]) -> str:
    """Say that every row has a label that the model does not have, which such labels there are, and what it has."""
    more = ", ..." if len(unknown) > SHOWN_LABELS else ""
    return (
        f"all {rows:,} rows have a label that the model does not have, and count as wrong: "
        f"{', '.join(islice(unknown, SHOWN_LABELS))}{more}; it has {', '.join(known)}: spell them alike"
    )


class Agreement:
    """The rows of one run with a label, counted."""

    def __init__(self, labels: LabelSet, column: str, separator: str) -> None:
        self._labels = labels
        self._names = frozenset(labels.names)
        self._name = "mean absolute error" if labels.kind == "regression" else "accuracy"
        self._column = column
        self._separator = separator if labels.kind == "multi" else None
        self._rows = 0
        self._total = 0.0
        self._unknown: dict[str, None] = {}
        """Some of the labels that the model does not have, in the order of the rows."""
        self._cuts = Cuts()

    def check(self, record: Record) -> None:
        """Raise InputError where the rows have no such column."""
        if self._column not in record.columns:
            names = ", ".join(record.columns)
            raise InputError(
                f"{record.source}: no column {self._column}: choose one of {names} with --label-column NAME"
            )

    def count(self, result: Classified) -> None:
        """Compare a row with its label."""
        try:
            score = self._score(result)
        except InputError:
            self._cuts.count(f"rows left out of the {self._name}: they have no label", _place(result))
            return
        self._rows += 1
        self._total += score

    def reports(self) -> Iterator[Measured | Notice]:
        """Yield what there was to see."""
        for notice in self._cuts.notices():
            is_all = notice.cut is not None and notice.cut.what == _UNKNOWN and 1 < self._rows == notice.cut.times
            yield Notice(text=all_unknown(self._rows, self._unknown, self._labels.names)) if is_all else notice
        if self._rows:
            yield Measured(name=self._name, value=self._total / self._rows, rows=self._rows)

    def _score(self, result: Classified) -> float:
        """Return 1 for right and 0 for wrong, of a regression the error; raises InputError where there is no label."""
        raw = result.record.columns.get(self._column)
        if result.value is not None:
            return abs(result.value - number_of(raw))
        true = set(names_of(raw, self._separator))
        if not true <= self._names:
            self._cuts.count(_UNKNOWN, _place(result))
            if len(self._unknown) <= SHOWN_LABELS:
                self._unknown |= dict.fromkeys(sorted(true - self._names))
        elif not result.labels and self._labels.kind == "single":
            self._cuts.count("rows without an answer, counted as wrong", _place(result))
        return float(true == set(result.labels))


def _place(result: Classified) -> Place:
    return Place(row=result.index, origin=result.record.origin)
