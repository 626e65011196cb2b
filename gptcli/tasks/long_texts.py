"""Cut a text that is longer than there is room for into windows, by --long, and count every cut."""

from collections.abc import Iterator

import numpy as np

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.backend import Tokens
from gptcli.tasks.config import Long
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Notice, Place
from gptcli.training.corpus_pieces import pieces

_DONE: dict[Long, str] = {
    "head": "only their beginning is read (--long tail, mean or max reads other parts)",
    "tail": "only their end is read",
    "mean": "read in windows, the mean of what they say is given",
    "max": "read in windows, the surest is given",
}


class LongTexts:
    """The room that texts have in one run."""

    def __init__(self, tokenizer: Tokenizer, *, size: int, place: str, long: Long) -> None:
        """Cut to size tokens; place says in words what has no more of them."""
        self._tokenizer = tokenizer
        self._size = size
        self._place = place
        self._long = long
        self.cuts = Cuts()

    def windows(self, place: Place, ids: Tokens) -> tuple[Tokens, ...]:
        """Return the tokens to read of a text, in one window or several."""
        if len(ids) <= self._size:
            return (ids,)
        self.cuts.count(f"texts longer than {self._place}, {_DONE[self._long]}", place)
        match self._long:
            case "head":
                return (ids[: self._size],)
            case "tail":
                return (ids[-self._size :],)
            case "mean" | "max":  # the last window is whole too: a stump of a few tokens would count as much as a page
                starts = [*range(0, len(ids) - self._size, self._size), len(ids) - self._size]
                return tuple(ids[start : start + self._size] for start in starts)

    def notices(self) -> Iterator[Notice]:
        """Return a sentence for each kind of cut that was made."""
        return self.cuts.notices()

    def tokens(self, text: str) -> Tokens:
        """Return a text's own tokens; of one whose end or beginning is not read, as many as tell that it is long."""
        parts = list(pieces(text, at_newlines=not self._tokenizer.adds_space))
        if self._long in ("mean", "max"):
            return _ids([token for ids in self._tokenizer.encode_batch(parts) for token in ids])
        tokens: list[int] = []
        while parts and len(tokens) <= self._size:
            if self._long == "head":
                tokens += self._tokenizer.encode_batch([parts.pop(0)])[0]
            else:
                tokens = self._tokenizer.encode_batch([parts.pop()])[0] + tokens
        return _ids(tokens)


def _ids(tokens: list[int]) -> Tokens:
    return np.array(tokens, np.int32)
