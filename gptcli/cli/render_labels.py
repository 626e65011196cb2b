"""Turn labels into the bytes that are printed or written: lines, JSON rows, or a table's rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gptcli.cli.console import utf8
from gptcli.cli.renderer import ObjectRows, Renderer, TableRows, Warn
from gptcli.data.columns import TEXT_COLUMNS
from gptcli.data.formats import RowFormat
from gptcli.tasks.events import Classified, RowFailed

KEYS = ("index", "text", "label", "probability", "probabilities", "option_mass", "tokens", "error")

PRINTED_DIGITS = 4
"""For people: logits agree between backends to 1e-4."""
JSON_DIGITS = 6
"""So that a small probability is not none."""

NUMBER_DIGITS = 6
"""All that float32 is sure of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How an answer is written in cells."""

    top: int
    """Classes of a row, each with its probability."""
    abstain_label: str
    separator: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the cells."""
        more = [f"{name}_{number}" for number in range(2, self.top + 1) for name in ("label", "probability")]
        return ("label", "probability", *more)

    def cells(self, result: Classified) -> list[str]:
        """Return a label and its probability, and so on; of a regression its number alone."""
        if result.value is not None:
            return [_number(result.value)]
        likeliest = result.probabilities[: self.top]
        pairs = [cell for label, value in likeliest for cell in (label, _printed(value))]
        if not result.labels:
            return [self.abstain_label, *pairs[1:]]
        if result.kind == "multi":
            by_label = dict(result.probabilities)
            values = (_printed(by_label[label]) for label in result.labels)
            return [self.separator.join(result.labels), self.separator.join(values)]
        return pairs


class Lines(Renderer[Classified]):
    """A line a row: its answer, then its text, parted by tabs."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording

    def result(self, result: Classified) -> bytes:
        """Return the line."""
        cells = [_field(cell) for cell in self._wording.cells(result)]
        return utf8("\t".join([*cells, _one_line(result.text)])) + b"\n"

    def failed(self, failure: RowFailed) -> bytes:
        """Return an empty line, so that the lines behind it stay in step with the rows."""
        return b"\n"


class LabelObjects(Renderer[Classified]):
    """A JSON object a row, with the input row's other columns."""

    def __init__(self, rows: RowFormat, column: str | None, *, abstain_label: str, first: bool, warn: Warn) -> None:
        self._abstain_label = abstain_label
        self._rows = ObjectRows(
            rows, key="text", column=column, defaults=TEXT_COLUMNS, ours=KEYS, first=first, warn=warn
        )

    def begin(self) -> bytes:
        """Return what the format has before its first row."""
        return self._rows.header()

    def result(self, result: Classified) -> bytes:
        """Return the row as an object; its label is a text, a list of them, or a number."""
        values: dict[str, object] = {"index": result.index, "text": result.text}
        ranked = {label: round(value, JSON_DIGITS) for label, value in result.probabilities}
        match result.kind:
            case "single":
                values["label"] = result.labels[0] if result.labels else self._abstain_label
                values["probability"] = next(iter(ranked.values()))
            case "multi":
                values["label"] = list(result.labels)
            case "regression":
                values["label"] = None if result.value is None else float(_number(result.value))
        if ranked:
            values["probabilities"] = ranked
        if result.option_mass is not None:
            values["option_mass"] = float(_number(result.option_mass))
        return self._rows.row(values | {"tokens": result.tokens}, result.record)

    def failed(self, failure: RowFailed) -> bytes:
        """Return an object with the reason, and the row's columns so that it can be tried again."""
        return self._rows.failed(failure)

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


class LabelTable(Renderer[Classified]):
    """The input's rows with their answer as further columns."""

    def __init__(self, rows: RowFormat, columns: Sequence[str], wording: Wording, warn: Warn) -> None:
        self._wording = wording
        self._rows = TableRows(rows, columns, wording.columns, warn)

    def begin(self) -> bytes:
        """Return the header."""
        return self._rows.header()

    def result(self, result: Classified) -> bytes:
        """Return the row."""
        return self._rows.row(result.record, self._wording.cells(result))

    def failed(self, failure: RowFailed) -> bytes:
        """Return the row with no answer."""
        return self._rows.row(failure.record, [])

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


def _number(value: float) -> str:
    return f"{value:.{NUMBER_DIGITS}g}"


def _printed(value: float) -> str:
    return f"{value:.{PRINTED_DIGITS}f}"


def _field(text: str) -> str:
    """Return a label so that it stays one field of a line."""
    return _one_line(text).replace("\t", r"\t")


def _one_line(text: str) -> str:
    """Return a text with its line ends escaped; it is the last field, so that tabs may stay."""
    return re.sub(r"[\r\n]", lambda end: repr(end[0])[1:-1], text)
