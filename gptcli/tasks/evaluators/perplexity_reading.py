"""What one model reads of the passages of a run: their tokens, in windows of its context."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.backend import Tokens
from gptcli.engine.scorer import Item, ItemScores, Span
from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.tally import BLOCK_BYTES, NO_UNIT, Tally
from gptcli.evaluation.windows import Window, chunk_windows, documentation_windows, sliding_windows
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.evaluators.passages import Passage
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.events import RowDone, RowFailed, Stage
from gptcli.tasks.windows import beginning
from gptcli.training.corpus_pieces import pieces

MANY_WINDOWS = 100
"""From here on it is told how far a text is, ten times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a model sees: what a convention comes to for its context."""

    context: int
    stride: int
    beginning: int | None
    """The token in front of each text, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Passages whose windows have all been handed on, and the sums of their scores."""

    passages: Sequence[Passage]
    """One of which the sums' units are blocks, or several that are the units."""
    tally: Tally


Passed = RowFailed | RowDone | Stage
"""What goes through as it came, in its place."""


def reach_of(options: PerplexityOptions, config: ModelConfig) -> Reach:
    """Return a convention's windows for a model; raises ConfigError for a model that it does not fit."""
    convention = options.conventional
    context = options.context or convention.context or config.n_positions
    most = config.n_positions
    if context > most:
        asked = "--context" if options.context else f"--protocol {options.protocol} has a context of"
        raise ConfigError(f"{asked} {context:,}: this model's is {most:,} tokens; give --context {most} or less")
    options.require_stride_within(context)
    bos = convention.bos if options.bos is None else options.bos
    first = beginning(config)
    if bos and first is None:
        asked = "--bos" if options.bos else f"--protocol {options.protocol}"
        raise ConfigError(f"{asked} needs a beginning-of-text token, which this model does not have")
    stride = options.stride or max(1, context // convention.strides)
    return Reach(context=context, stride=stride, beginning=None if bos is False else first)


def text_tokens(tokenizer: Tokenizer, text: str) -> Tokens:
    """Return the tokens of a text, and none that a tokenizer would put around it; raises InputError as encode does."""
    parts = list(pieces(text, at_newlines=not tokenizer.adds_space))
    return np.array(list(chain.from_iterable(tokenizer.encode_batch(parts))), np.int32)


class Reading:
    """The windows of one model on their way."""

    def __init__(self, options: PerplexityOptions, tokenizer: Tokenizer, reach: Reach) -> None:
        self._options = options
        self._tokenizer = tokenizer
        self._reach = reach
        self._separator: Sequence[int] = []
        if options.separator is not None:
            self._separator = tokenizer.encode_batch([options.separator])[0]
            if not self._separator:
                raise ConfigError(f"--separator {options.separator!r} has no tokens in this model's vocabulary")
        self._length = lru_cache(maxsize=None)(lambda token: len(tokenizer.token_bytes(token)))
        self._open: dict[int, tuple[Tally, Window]] = {}
        self._key = 0
        self.texts = 0
        """Passages that are not empty: the same for any model."""
        self.cuts = Cuts()

    def items(self, passages: Iterable[Passage | Passed]) -> Iterator[Item | Read | Passed]:
        """Yield each passage's windows, then that it is read, and everything else as it came."""
        if self._separator:
            yield from self._stream(passages)
            return
        for passage in passages:
            if isinstance(passage, Passage):
                self.texts += passage.text != ""
                yield from self._alone(passage, text_tokens(self._tokenizer, passage.text))
            else:
                yield passage

    def add(self, scores: ItemScores) -> None:
        """Count the scores of a window."""
        tally, window = self._open.pop(scores.key)
        tally.add(window, scores.spans[0].logprobs)

    def forget(self, item: Item) -> None:
        """Let go of a window whose scores go to another process."""
        del self._open[item.key]

    def _alone(self, passage: Passage, tokens: Tokens) -> Iterator[Item | Read | Passed]:
        """Yield the windows of a passage by itself; the first may be the only one, and is counted by blocks."""
        front = self._front()
        ids = np.concatenate([front, tokens])
        windows = self._windows(len(ids), passage)
        if not windows:
            self.cuts.count("texts without a token that another predicts, left out", passage.place)
            return
        lengths = self._lengths(tokens)
        blocks = (np.cumsum(lengths) - lengths) // BLOCK_BYTES if self.texts == 1 else np.zeros(len(tokens), np.int64)
        nowhere = np.full(len(front), NO_UNIT)
        tally = Tally(np.concatenate([nowhere, blocks]), np.concatenate([front * 0, lengths]), int(blocks[-1]) + 1)
        yield from self._handed_on(ids, windows, tally, passage.origin)
        yield Read(passages=(passage,), tally=tally)

    def _stream(self, passages: Iterable[Passage | Passed]) -> Iterator[Item | Read | Passed]:
        """Yield the windows of all passages with the separator between them; their texts are not kept."""
        found: list[Passage] = []
        stream, sizes = array("i", self._front()), array("q")
        done: list[Passed] = []
        for passage in passages:
            if not isinstance(passage, Passage):
                done.append(passage)
                continue
            self.texts += passage.text != ""
            tokens = text_tokens(self._tokenizer, passage.text)
            if not len(tokens):
                self.cuts.count("texts without a token, left out", passage.place)
                continue
            if found:
                stream.extend(self._separator)
            stream.extend(tokens.tolist())
            sizes.append(len(tokens))
            found.append(replace(passage, text=""))
        ids = np.array(stream, np.int32)
        if len(found) == 1:
            yield from self._alone(found[0], ids[len(self._front()) :])
        elif found:
            yield from self._joined(found, ids, np.array(sizes, np.int64))
        yield from done

    def _joined(
        self, found: Sequence[Passage], ids: Tokens, sizes: NDArray[np.int64]
    ) -> Iterator[Item | Read | Passed]:
        """Yield the windows of a stream: its front, then texts of these sizes with separators between them."""
        texts = np.arange(len(found))
        between = np.where(texts == 0, len(self._front()), len(self._separator))
        owners = np.stack([np.full_like(texts, NO_UNIT), texts], axis=1).ravel()
        units = np.repeat(owners, np.stack([between, sizes], axis=1).ravel())
        tally = Tally(units, self._lengths(ids), len(found))
        yield from self._handed_on(ids, self._windows(len(ids), found[0]), tally, found[0].origin)
        yield Read(passages=found, tally=tally)

    def _handed_on(self, ids: Tokens, windows: Sequence[Window], tally: Tally, origin: str) -> Iterator[Item | Passed]:
        """Yield an item for each window, and now and then how many there have been."""
        for number, window in enumerate(windows):
            if len(windows) >= MANY_WINDOWS and number and number % (len(windows) // 10) == 0:
                yield Stage(text=f"scoring {origin}: {number:,} of {len(windows):,} windows")
            self._key += 1
            self._open[self._key] = (tally, window)
            yield Item(key=self._key, spans=(Span(tokens=ids[window.begin : window.end], start=window.start),))

    def _windows(self, length: int, passage: Passage) -> Sequence[Window]:
        """Return the windows of so many tokens; what they leave out is counted."""
        context, stride = self._reach.context, self._reach.stride
        match self._options.conventional.windows:
            case "sliding":
                return tuple(sliding_windows(length, context=context, stride=stride))
            case "documentation":
                windows = tuple(documentation_windows(length, context=context, stride=stride))
                if windows and windows[-1].end < length:
                    self.cuts.count("windows of one token, of which that loop makes no number, left out", passage.place)
                return windows
            case "chunks":
                if length < 2 * context:
                    raise InputError(
                        f"{passage.origin}: has {length:,} tokens, --protocol {self._options.protocol} needs two chunks"
                        f" of {context:,}; give a smaller --context"
                    )
                windows = tuple(chunk_windows(length, context=context))
                if rest := length - windows[-1].end:
                    self.cuts.count(f"texts whose last {rest:,} tokens fill no chunk and are left out", passage.place)
                return windows

    def _front(self) -> Tokens:
        return np.array([] if self._reach.beginning is None else [self._reach.beginning], np.int32)

    def _lengths(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return how many bytes each token stands for."""
        return np.fromiter(map(self._length, tokens.tolist()), np.int64, count=len(tokens))
