"""Surprisal as rows: JSON objects, a table of tokens, a table of candidates."""

import math
from collections.abc import Iterator, Sequence

from gptcli.cli.console import utf8
from gptcli.cli.render_measured import DIGITS, FIGURES, figure_columns
from gptcli.cli.renderer import ObjectRows, Renderer, Warn
from gptcli.cli.selection import Selection
from gptcli.cli.shown import shown
from gptcli.data.columns import TEXT_COLUMNS
from gptcli.data.formats import RowFormat
from gptcli.tasks.events import RowFailed
from gptcli.tasks.explain_events import (
    ExplainedRow,
    ExplainedToken,
    LikelyToken,
    RowCompared,
    RowContinued,
    RowExplained,
    RowMeasured,
)

PROBABILITY_DIGITS = 6
KEYS = ("index", "text", *FIGURES, "versus_bits", "gain_bits", "entropy_bits", "kept", "tokens", "next", "error")


class ExplainedObjects(Renderer[ExplainedRow]):
    """A JSON object a row, with the input row's other columns."""

    def __init__(self, rows: RowFormat, column: str | None, *, selection: Selection, first: bool, warn: Warn) -> None:
        self._selection = selection
        self._rows = ObjectRows(
            rows, key="text", column=column, defaults=TEXT_COLUMNS, ours=KEYS, first=first, warn=warn
        )

    def begin(self) -> bytes:
        """Return what the format has before its first row."""
        return self._rows.header()

    def result(self, result: ExplainedRow) -> bytes:
        """Return the row as an object; nothing for one that was not selected."""
        match result:
            case RowMeasured():
                if not self._selection.takes(result.figures):
                    return b""
                values = {"text": result.text} | figure_columns(result.figures)
            case RowExplained():
                text = result.explained
                values = {"text": text.text} | figure_columns(text.figures) | {"tokens": [*map(_token, text.tokens)]}
            case RowCompared():
                values = _compared(result)
            case RowContinued():
                values = {
                    "text": result.text,
                    "token_count": result.tokens,
                    "entropy_bits": _bits(result.entropy),
                    "kept": result.kept,
                    "next": [_candidate(result, place) for place in range(len(result.likely))],
                }
        return self._rows.row({"index": result.index} | values, result.record)

    def failed(self, failure: RowFailed) -> bytes:
        """Return an object with the reason, and the row's columns; nothing where rows are selected."""
        return b"" if self._selection.bounded else self._rows.failed(failure)

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


class TokenTable(Renderer[ExplainedRow]):
    """A line a token, numbers first, parted by tabs: for sort and awk."""

    COLUMNS = ("index", "position", "bits", "rank", "entropy_bits", "id", "token", "expected", "probability")
    COMPARED = ("index", "position", "gain_bits", "bits", "versus_bits", "id", "token")
    NEXT = ("index", "rank", "probability", "drawn", "id", "token")

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns

    def begin(self) -> bytes:
        """Return the names of the columns."""
        return _line(self._columns)

    def result(self, result: ExplainedRow) -> bytes:
        """Return a line for each token; what cannot be told of one is empty."""
        return b"".join(map(_line, self._rows(result)))

    def _rows(self, row: ExplainedRow) -> Iterator[list[object]]:
        match row:
            case RowExplained():
                for position, token in enumerate(row.explained.tokens):
                    expected = token.top[0] if token.top else None
                    yield [
                        *(row.index, position, token.bits, token.rank),
                        None if token.entropy is None else token.entropy / math.log(2),
                        *(token.token, token.text),
                        *((expected.text, math.exp(expected.logprob)) if expected else ("", None)),
                    ]
            case RowCompared():
                for position, (ours, theirs) in enumerate(zip(row.explained.tokens, row.other.tokens, strict=True)):
                    yield [row.index, position, _gain(ours, theirs), ours.bits, theirs.bits, ours.token, ours.text]
            case RowContinued():
                for rank, one in enumerate(row.likely, start=1):
                    numbers = [f"{value:.{PROBABILITY_DIGITS}f}" for value in (one.probability, one.drawn)]
                    yield [row.index, rank, *numbers, one.token, one.text]


def _compared(row: RowCompared) -> dict[str, object]:
    ours, theirs = row.explained.figures, row.other.figures
    tokens = [
        _place(token)
        | {
            "bits": _rounded(token.bits),
            "versus_bits": _rounded(other.bits),
            "gain_bits": _rounded(_gain(token, other)),
        }
        for token, other in zip(row.explained.tokens, row.other.tokens, strict=True)
    ]
    return {
        "text": row.explained.text,
        **figure_columns(ours),
        "versus_bits": _rounded(theirs.total),
        "gain_bits": _rounded(theirs.total - ours.total),
        "tokens": tokens,
    }


def _token(token: ExplainedToken) -> dict[str, object]:
    return _place(token) | {
        "logprob": _rounded(token.logprob),
        "bits": _rounded(token.bits),
        "rank": token.rank,
        "entropy_bits": None if token.entropy is None else _bits(token.entropy),
        "top": [*map(_likely, token.top)],
    }


def _place(token: ExplainedToken) -> dict[str, object]:
    return {"id": token.token, "token": token.text, "start": token.start, "end": token.end}


def _likely(likely: LikelyToken) -> dict[str, object]:
    return {"id": likely.token, "token": likely.text, "logprob": _rounded(likely.logprob)}


def _candidate(row: RowContinued, place: int) -> dict[str, object]:
    one = row.likely[place]
    return {
        "id": one.token,
        "token": one.text,
        "probability": round(one.probability, PROBABILITY_DIGITS),
        "drawn": round(one.drawn, PROBABILITY_DIGITS),
    }


def _gain(ours: ExplainedToken, theirs: ExplainedToken) -> float | None:
    """Return how many bits less a model needs than another."""
    return None if ours.bits is None or theirs.bits is None else theirs.bits - ours.bits


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0


def _bits(nats: float) -> float:
    return round(nats / math.log(2), DIGITS)


def _line(cells: Sequence[object]) -> bytes:
    """Return cells as a line in which tabs and line ends of a token are escaped."""
    return utf8("\t".join(map(_cell, cells)) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.{DIGITS}f}" if isinstance(value, float) else shown(str(value), unicode=True)
