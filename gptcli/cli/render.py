"""Turn results into the bytes that are printed or written: plain text, JSON rows, or a table's rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from gptcli.cli.console import utf8
from gptcli.data.columns import choose_column
from gptcli.data.formats import RowFormat
from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.tasks.events import Completion, RowFailed, TextDelta, TokenLogprob

SEPARATOR = "<|endoftext|>"
"""GPT-2's own mark between documents, on a line of its own: also what a training file has between them."""

SAMPLE_KEYS = (
    "index",
    "sample",
    "prompt",
    "text",
    "finish_reason",
    "prompt_tokens",
    "new_tokens",
    "logprob",
    "seed",
)

LOGPROB_DIGITS = 4
"""Backends agree to 1e-4: more digits would be noise."""

Warn = Callable[[str], None]


class Renderer(ABC):
    """What every form of output can be asked for; a form overrides what it has."""

    def begin(self) -> bytes:
        """Return what stands before the first row; a resumed run asks too, and does not write it again."""
        return b""

    def delta(self, delta: TextDelta) -> bytes:
        """Return the next piece of the sample that is being streamed."""
        return b""

    @abstractmethod
    def sample(self, completion: Completion) -> bytes:
        """Return a finished sample, or nothing while its row is not whole."""

    def failed(self, failure: RowFailed) -> bytes:
        """Return what stands in the place of a row that failed."""
        return b""

    def end(self) -> bytes:
        """Return what stands behind the last row."""
        return b""


class Text(Renderer):
    """Samples as a person reads them, each with its prompt in front unless echo is off."""

    def __init__(self, *, echo: bool, end: bytes, num_samples: int, several: bool) -> None:
        self._echo = echo
        self._num_samples = num_samples
        self._several = several
        self._end = end
        self._streamed = False

    def delta(self, delta: TextDelta) -> bytes:
        """Return the piece, the first with the prompt in front."""
        prompt = delta.prompt if self._echo and not self._streamed else ""
        self._streamed = True
        return utf8(prompt + delta.text)

    def sample(self, completion: Completion) -> bytes:
        """Return the text and its end; of a streamed sample only the end, since the text is out already."""
        if self._streamed:
            return self._end
        return utf8(completion.prompt + completion.text if self._echo else completion.text) + self._end

    def failed(self, failure: RowFailed) -> bytes:
        """Return an empty sample, so that the samples behind it stay in step with the prompts."""
        return self._end * self._num_samples if self._several else b""


class Objects(Renderer):
    """A JSON object a sample, with the input row's other columns."""

    def __init__(self, rows: RowFormat, column: str | None, *, first: bool, warn: Warn) -> None:
        self._rows = rows
        self._column = column
        self._first = first
        self._names = _Names((*SAMPLE_KEYS, "tokens", "error"), warn)

    def begin(self) -> bytes:
        """Return what the format has before its first row."""
        return self._rows.header(())

    def sample(self, completion: Completion) -> bytes:
        """Return the sample as an object."""
        values: dict[str, object] = {key: getattr(completion, key) for key in SAMPLE_KEYS}
        values["logprob"] = round(completion.logprob, LOGPROB_DIGITS)
        if completion.tokens is not None:
            values["tokens"] = [_token(token) for token in completion.tokens]
        return self._row(values, completion.record)

    def failed(self, failure: RowFailed) -> bytes:
        """Return an object with the reason, and the row's columns so that it can be tried again."""
        return self._row({"index": failure.index, "error": failure.message}, failure.record)

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()

    def _row(self, values: dict[str, object], record: Record) -> bytes:
        columns = dict(record.columns)
        prompt = _prompt_column(record, self._column)
        # A column that turns out not to be what was continued stays, under a name of its own.
        if prompt is not None and values.get("prompt", columns[prompt]) in (
            columns[prompt],
            str(columns[prompt]),
        ):
            values.setdefault("prompt", columns.pop(prompt))
            columns.pop(prompt, None)
        # What a template was filled in with is no clash of names that a person has to hear of.
        row = self._rows.row(values | self._names.told_apart(columns, expected=prompt), self._first)
        self._first = False
        return row


class Table(Renderer):
    """The input's rows with their samples as further columns."""

    def __init__(self, rows: RowFormat, columns: Sequence[str], *, num_samples: int, warn: Warn) -> None:
        self._rows = rows
        self._completions = (
            ("completion",)
            if num_samples == 1
            else tuple(f"completion_{number}" for number in range(1, num_samples + 1))
        )
        self._names = _Names(self._completions, warn)
        self._columns = tuple(self._names.told_apart(dict.fromkeys(columns)))
        self._warn = warn
        self._left_out: set[str] = set()
        self._texts: list[str] = []

    def begin(self) -> bytes:
        """Return the header."""
        return self._rows.header((*self._columns, *self._completions))

    def sample(self, completion: Completion) -> bytes:
        """Return the row once it has all of its samples."""
        self._texts.append(completion.text)
        if len(self._texts) < len(self._completions):
            return b""
        texts, self._texts = self._texts, []
        return self._row(completion.record, texts)

    def failed(self, failure: RowFailed) -> bytes:
        """Return the row with its completions empty."""
        self._texts = []
        return self._row(failure.record, [])

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()

    def _row(self, record: Record, texts: Sequence[str]) -> bytes:
        values = self._names.told_apart(record.columns)
        for name in values.keys() - set(self._columns):
            del values[name]
            if name not in self._left_out:
                self._left_out.add(name)
                self._warn(f"{record.origin}: column {name} is left out, since the first row has none of that name")
        return self._rows.row(values | dict(zip(self._completions, texts, strict=False)), first=False)


class _Names:
    """Keeps the input's columns apart from ours, and says so once for each."""

    def __init__(self, ours: Sequence[str], warn: Warn) -> None:
        self._ours = frozenset(ours)
        self._warn = warn
        self._told: set[str] = set()

    def told_apart(self, columns: Mapping[str, object], *, expected: str | None = None) -> dict[str, object]:
        """Return the columns, those with a name of ours under "input_" and their name; nothing is said of expected."""
        apart: dict[str, object] = {}
        for name, value in columns.items():
            free = name
            while free in self._ours or (free != name and free in columns):
                free = f"input_{free}"
            if free != name and name not in self._told and name != expected:
                self._told.add(name)
                self._warn(f"the input's column {name} is written as {free}, since the result has its own {name}")
            apart[free] = value
        return apart


def _prompt_column(record: Record, wanted: str | None) -> str | None:
    try:
        return choose_column(tuple(record.columns), wanted)
    except InputError:  # such a row has failed for this very reason
        return None


def _token(token: TokenLogprob) -> dict[str, object]:
    top = [{"token": text, "logprob": round(logprob, LOGPROB_DIGITS)} for text, logprob in token.top]
    return {"token": token.token, "logprob": round(token.logprob, LOGPROB_DIGITS), "top": top}
