"""From rows of text to examples of tokens: what is read, what is predicted, and what becomes of a row that is long."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.roles import Task
from gptcli.errors import InputError
from gptcli.training.batches import IGNORED, Example, Tokens
from gptcli.training.batches import Sequence as Packed
from gptcli.training.corpus_pieces import PIECE_CHARACTERS, pieces
from gptcli.training.cut import Cut
from gptcli.training.options import Overflow
from gptcli.training.rows import Row, RowSet
from gptcli.training.stream import as_sequences

_MOST_BYTES = 4
"""Of a character in UTF-8."""
_ROWS_AT_ONCE = 1000
"""Rows that are tokenized at once, by several threads, where only their lengths are kept."""
_MOST_COUNTED = 5000
"""Rows that are tokenized a second time, to count what --overflow cuts."""
_MOST_CHARACTERS = 20_000_000
"""Of those rows together: some seconds."""
_SAMPLED_ROWS = 256
"""Rows whose mean length says how many fit into a sequence."""


class Encoder:
    """Tokenizes rows for one task.

    lm reads EOS, then the text, and predicts the text, then EOS. complete reads the prompt and the completion, and
    predicts the completion, then EOS. classify reads the text with what the tokenizer puts around it, and predicts the
    label at the last token.
    """

    def __init__(self, rows: RowSet, tokenizer: Tokenizer, *, eos_id: int, max_length: int, overflow: Overflow) -> None:
        self._rows = rows
        self._task: Task = rows.roles.task
        self._tokenizer = tokenizer
        self._ends: tuple[list[int], list[int]] = tokenizer.ends if self._task == "classify" else ([], [])
        self._eos_id = eos_id
        self._max_length = max_length
        self._overflow = overflow

    def examples(self, rows: Sequence[Row]) -> list[tuple[Example, ...]]:
        """Return each row's examples: one, or none where it is dropped, or several where it is split.

        Raises InputError for a row that is too long under --overflow error.
        """
        return [tuple(self._fitted(row, *encoded)) for row, encoded in zip(rows, self._encoded(rows), strict=True)]

    def lengths(self, rows: Sequence[Row]) -> NDArray[np.int64]:
        """Return how many tokens of each row are read if nothing is cut."""
        return np.array([len(inputs) for inputs, _ in self._encoded(rows)], dtype=np.int64)

    def longest(self, rows: Sequence[Row]) -> int:
        """Return the tokens of the longest example that these rows make, the largest of them first."""
        longest = 1
        for row in rows:
            longest = max(longest, int(self.lengths([row])[0]))
            if longest >= self._max_length:
                return self._max_length
        return longest

    def cut(self, rows: Sequence[Row]) -> Cut:
        """Count the rows that are longer than a sequence, and what is lost of them.

        Of more than _MOST_COUNTED rows that may be, as many evenly spaced ones stand for all; of more than
        _MOST_CHARACTERS in those, the beginning of each stands for the row.
        """
        long = [number for number, row in enumerate(rows) if self._may_be_long(row)]
        step = -(-len(long) // _MOST_COUNTED) or 1
        counted = [rows[number] for number in long[::step]]
        characters = sum(row.characters for row in counted)
        room = _MOST_CHARACTERS / len(counted) if characters > _MOST_CHARACTERS else math.inf
        longer = lost = 0
        for length in self._lengths_by_beginning(counted, room):
            longer += length > self._max_length
            lost += self._lost(length)
        scale = len(long) / max(1, len(counted))
        estimated = step > 1 or characters > _MOST_CHARACTERS
        return Cut(rows=round(longer * scale), tokens=round(lost * scale), estimated=estimated)

    def refuse_unusable(self, rows: Sequence[Row]) -> None:
        """Raise InputError for a long row under --overflow error, and where --overflow drop leaves no row of some.

        For rows that are tokenized while the model learns: what ends the run is told before.
        """
        if self._overflow == "error":
            for row in rows:
                if self._may_be_long(row):
                    self.examples([row])
        elif self._overflow == "drop" and rows and not any(self.examples([row])[0] for row in rows):
            raise InputError(
                f"{', '.join(self._rows.sources)}: each of {len(rows):,} rows is longer than --max-length"
                f" {self._max_length}, and --overflow drop leaves none: raise it, or give --overflow truncate"
            )

    def _may_be_long(self, row: Row) -> bool:
        """Return whether a row could have too many tokens, of which each has at least a byte."""
        before, behind = self._ends
        return (row.characters + len(before) + len(behind) + 1) * _MOST_BYTES > self._max_length

    def _lengths_by_beginning(self, rows: Sequence[Row], room: float) -> Iterator[int]:
        """Yield about how many tokens each row has: those of so many characters are counted, and stand for the rest."""
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[begin : begin + _ROWS_AT_ONCE]
            shares = [min(1.0, room / max(1, row.characters)) for row in part]
            lengths = self.lengths([_beginning(row, share) for row, share in zip(part, shares, strict=True)])
            yield from (round(length / share) for length, share in zip(lengths.tolist(), shares, strict=True))

    def _lost(self, length: int) -> int:
        if length <= self._max_length or self._overflow == "split":
            return 0
        return length if self._overflow == "drop" else length - self._max_length

    def _encoded(self, rows: Sequence[Row]) -> Iterator[tuple[Tokens, Tokens | None]]:
        """Yield each row's inputs and, where tokens are predicted, its targets."""
        if self._task == "complete":
            tokens = self._tokens([text for row in rows for text in (row.text, row.completion or "")])
            for prompt, completion in zip(tokens[::2], tokens[1::2], strict=True):
                yield self._completion(prompt or [self._eos_id], completion)
            return
        for row, ids in zip(rows, self._tokens([row.text for row in rows]), strict=True):
            if self._task == "classify":
                before, behind = self._ends
                read = [*before, *ids, *behind] or [self._eos_id]  # as classify reads such a text
                yield np.array(read, np.int32), None
            else:
                stream = np.array([self._eos_id, *ids, *([self._eos_id] if row.ends else [])], np.int32)
                yield stream[:-1], stream[1:]

    def _completion(self, prompt: list[int], completion: list[int]) -> tuple[Tokens, Tokens]:
        stream = np.array([*prompt, *completion, self._eos_id], np.int32)
        targets = stream[1:].copy()
        targets[: len(prompt) - 1] = IGNORED
        return stream[:-1], targets

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of texts; a long one is tokenized in parts, by several threads."""
        at_newlines = not self._tokenizer.adds_space
        parted = [
            list(pieces(text, at_newlines=at_newlines)) if len(text) > PIECE_CHARACTERS else [text] for text in texts
        ]
        encoded = iter(self._tokenizer.encode_batch([part for parts in parted for part in parts]))
        return [next(encoded) if len(parts) == 1 else [i for _ in parts for i in next(encoded)] for parts in parted]

    def _fitted(self, row: Row, inputs: Tokens, targets: Tokens | None) -> Iterator[Example]:
        longest = self._max_length
        if len(inputs) <= longest:
            yield self._example(row, inputs, targets)
            return
        match self._overflow:
            case "error":
                raise InputError(
                    f"{self._rows.origin(row)}: has {len(inputs):,} tokens, more than --max-length {longest}: shorten"
                    " it, or give --overflow truncate or drop"
                )
            case "split":
                for begin in range(0, len(inputs), longest):
                    part = slice(begin, begin + longest)
                    yield self._example(row, inputs[part], None if targets is None else targets[part])
            case "truncate":
                begin = self._first_kept(inputs, targets)
                part = slice(begin, begin + longest)
                yield self._example(row, inputs[part], None if targets is None else targets[part])
            case "drop":
                return

    def _first_kept(self, inputs: Tokens, targets: Tokens | None) -> int:
        """Return where a row that is cut begins: a prompt loses its beginning, all else its end."""
        if self._task != "complete" or targets is None:
            return 0
        first_predicting = int(np.argmax(targets != IGNORED))
        return min(len(inputs) - self._max_length, first_predicting)

    def _example(self, row: Row, inputs: Tokens, targets: Tokens | None) -> Example:
        return Example(inputs, targets, row.label if targets is None else None, self._rows.origin(row))


def _beginning(row: Row, share: float) -> Row:
    """Return a row with only so much of its texts."""
    if share == 1.0:
        return row
    text, completion = (part and part[: math.ceil(len(part) * share)] for part in (row.text, row.completion))
    return replace(row, text=text or "", completion=completion)


class RowSource:
    """The training rows as a stream takes them."""

    def __init__(self, rows: Sequence[Row], encoder: Encoder, *, packing: bool, max_length: int) -> None:
        self._rows = rows
        self._encoder = encoder
        self._packing = packing
        self._max_length = max_length

    @property
    def items(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def sequences(self, chosen: NDArray[np.int64]) -> list[Packed]:
        """Return the sequences of some rows."""
        examples = self._encoder.examples([self._rows[int(number)] for number in chosen])
        return as_sequences(examples, packing=self._packing, length=self._max_length)

    def items_per_sequence(self) -> float:
        """Return about how many rows a sequence takes."""
        if not self._packing:
            return 1.0
        step = max(1, len(self._rows) // _SAMPLED_ROWS)
        sample = [self._rows[number] for number in range(0, len(self._rows), step)]
        lengths = np.minimum(self._encoder.lengths(sample), self._max_length)
        return max(1.0, self._max_length / float(lengths.mean()))
