"""Lines and rows with their surprisal in figures, all of them or those that are selected."""

from collections.abc import Sequence

from gptcli.cli.console import utf8
from gptcli.cli.renderer import Renderer, TableRows, Warn
from gptcli.cli.selection import Selection
from gptcli.data.formats import RowFormat
from gptcli.tasks.events import RowFailed
from gptcli.tasks.explain_events import Figures, RowMeasured

DIGITS = 4
"""Backends agree to 1e-4 nats: more digits would be noise."""
FIGURES = ("bits", "bits_per_byte", "mean_bits", "max_bits", "token_count")


class MeasuredLines(Renderer[RowMeasured]):
    """The lines themselves that were selected, a figure in front where that is asked for."""

    def __init__(self, selection: Selection, *, scores: bool) -> None:
        self._selection = selection
        self._scores = scores

    def result(self, result: RowMeasured) -> bytes:
        """Return the line, or nothing."""
        if not self._selection.takes(result.figures):
            return b""
        if not self._scores:
            return utf8(f"{result.text}\n")
        # Of a row that is no line of a text file: sort takes a figure and its text for one line.
        text = result.text.replace("\n", "\\n")
        return utf8(f"{result.figures.by(self._selection.by):.{DIGITS}f}\t{text}\n")

    def failed(self, failure: RowFailed) -> bytes:
        """Return an empty line, so that the lines behind it stay in step; nothing where lines are selected."""
        return b"" if self._selection.bounded else b"\n"


class MeasuredTable(Renderer[RowMeasured]):
    """The input's rows that were selected, with figures as further columns."""

    def __init__(
        self, rows: RowFormat, columns: Sequence[str], *, selection: Selection, first: bool, warn: Warn
    ) -> None:
        """Write rows; first says that none stands before them in the file."""
        self._selection = selection
        self._first = first
        self._header = b""
        self._rows = TableRows(rows, columns, FIGURES, warn)

    def begin(self) -> bytes:
        """Return the header; where rows are selected, it comes with the first of them."""
        header = self._rows.header()
        if not self._selection.bounded:
            return header
        self._header = header if self._first else b""
        return b""

    def result(self, result: RowMeasured) -> bytes:
        """Return the row, or nothing."""
        if not self._selection.takes(result.figures):
            return b""
        header, self._header = self._header, b""
        return header + self._rows.row(result.record, [*figure_columns(result.figures).values()])

    def failed(self, failure: RowFailed) -> bytes:
        """Return the row with no figures; nothing where rows are selected."""
        return b"" if self._selection.bounded else self._rows.row(failure.record, [])

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


def figure_columns(figures: Figures) -> dict[str, object]:
    """Return figures by the names of their columns."""
    per_byte = figures.bits_per_byte
    values = (
        round(figures.total, DIGITS),
        None if per_byte is None else round(per_byte, DIGITS),
        round(figures.mean, DIGITS),
        round(figures.max, DIGITS),
        figures.tokens,
    )
    return dict(zip(FIGURES, values, strict=True))
