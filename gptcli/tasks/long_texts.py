"""Cut a text that is longer than the model's window into windows, by --long, and count every cut."""

from collections.abc import Iterator

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.classifier import Tokens
from gptcli.errors import InputError
from gptcli.tasks.config import Long
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.windows import beginning
from gptcli.training.corpus_pieces import pieces

_DONE: dict[Long, str] = {
    "head": "only their beginning is read (--long tail, mean or max reads other parts)",
    "tail": "only their end is read",
    "mean": "read in windows, the mean of what they say is given",
    "max": "read in windows, the surest is given",
}


class LongTexts:
    """The window of one run."""

    def __init__(self, tokenizer: Tokenizer, config: ModelConfig, long: Long) -> None:
        self._tokenizer = tokenizer
        self._size = config.n_positions
        self._begin = beginning(config)
        self._long = long
        self._cuts = Cuts()

    def windows(self, origin: str, text: str) -> tuple[Tokens, ...]:
        """Return the tokens to read, in one window or several; raises InputError for an empty text without a token."""
        tokens = self._tokens(text)
        if not tokens:
            if self._begin is None:
                raise InputError("is empty, and this model has no beginning-of-text token")
            self._cuts.count("empty texts, labelled by the beginning-of-text token", origin)
            tokens = [self._begin]
        ids = np.array(tokens, np.int32)
        if len(ids) <= self._size:
            return (ids,)
        self._cuts.count(f"texts longer than the context of {self._size:,} tokens, {_DONE[self._long]}", origin)
        match self._long:
            case "head":
                return (ids[: self._size],)
            case "tail":
                return (ids[-self._size :],)
            case "mean" | "max":  # the last window is whole too: a stump of a few tokens would count as much as a page
                starts = [*range(0, len(ids) - self._size, self._size), len(ids) - self._size]
                return tuple(ids[start : start + self._size] for start in starts)

    def notices(self) -> Iterator[str]:
        """Return a sentence for each kind of cut that was made."""
        return self._cuts.notices()

    def _tokens(self, text: str) -> list[int]:
        """Return the tokens of a text; of one whose end or beginning is not read, as many as tell that it is long."""
        parts = list(pieces(text))
        if self._long in ("mean", "max"):
            return [token for ids in self._tokenizer.encode_batch(parts) for token in ids]
        tokens: list[int] = []
        while parts and len(tokens) <= self._size:
            if self._long == "head":
                tokens += self._tokenizer.encode(parts.pop(0))
            else:
                tokens = self._tokenizer.encode(parts.pop()) + tokens
        return tokens
