"""Turn completions into the bytes that are printed or written: plain text, JSON rows, or a table's rows."""

from collections.abc import Sequence

from gptcli.cli.console import utf8
from gptcli.cli.renderer import ObjectRows, Renderer, TableRows, Warn
from gptcli.data.columns import PROMPT_COLUMNS
from gptcli.data.formats import RowFormat
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


class Text(Renderer[Completion]):
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

    def result(self, completion: Completion) -> bytes:
        """Return the text and its end; of a streamed sample only the end, since the text is out already."""
        if self._streamed:
            return self._end
        return utf8(completion.prompt + completion.text if self._echo else completion.text) + self._end

    def failed(self, failure: RowFailed) -> bytes:
        """Return an empty sample, so that the samples behind it stay in step with the prompts."""
        return self._end * self._num_samples if self._several else b""


class Objects(Renderer[Completion]):
    """A JSON object a sample, with the input row's other columns."""

    def __init__(self, rows: RowFormat, column: str | None, *, first: bool, warn: Warn) -> None:
        ours = (*SAMPLE_KEYS, "tokens", "error")
        self._rows = ObjectRows(
            rows, key="prompt", column=column, defaults=PROMPT_COLUMNS, ours=ours, first=first, warn=warn
        )

    def begin(self) -> bytes:
        """Return what the format has before its first row."""
        return self._rows.header()

    def result(self, completion: Completion) -> bytes:
        """Return the sample as an object."""
        values: dict[str, object] = {key: getattr(completion, key) for key in SAMPLE_KEYS}
        values["logprob"] = round(completion.logprob, LOGPROB_DIGITS)
        if completion.tokens is not None:
            values["tokens"] = [_token(token) for token in completion.tokens]
        return self._rows.row(values, completion.record)

    def failed(self, failure: RowFailed) -> bytes:
        """Return an object with the reason, and the row's columns so that it can be tried again."""
        return self._rows.failed(failure)

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


class Table(Renderer[Completion]):
    """The input's rows with their samples as further columns."""

    def __init__(self, rows: RowFormat, columns: Sequence[str], *, num_samples: int, warn: Warn) -> None:
        numbered = tuple(f"completion_{number}" for number in range(1, num_samples + 1))
        self._rows = TableRows(rows, columns, ("completion",) if num_samples == 1 else numbered, warn)
        self._num_samples = num_samples
        self._texts: list[str] = []

    def begin(self) -> bytes:
        """Return the header."""
        return self._rows.header()

    def result(self, completion: Completion) -> bytes:
        """Return the row once it has all of its samples."""
        self._texts.append(completion.text)
        if len(self._texts) < self._num_samples:
            return b""
        texts, self._texts = self._texts, []
        return self._rows.row(completion.record, texts)

    def failed(self, failure: RowFailed) -> bytes:
        """Return the row with its completions empty."""
        self._texts = []
        return self._rows.row(failure.record, [])

    def end(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


def _token(token: TokenLogprob) -> dict[str, object]:
    top = [{"token": text, "logprob": round(logprob, LOGPROB_DIGITS)} for text, logprob in token.top]
    return {"token": token.token, "logprob": round(token.logprob, LOGPROB_DIGITS), "top": top}
