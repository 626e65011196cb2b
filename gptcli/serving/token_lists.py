"""The tokens of a text as OpenAI's older interface lists them: four lists with an entry a token."""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.request import TokenScore

Listed = dict[str, list[Any]]
"""Lists of what is told of each token, by their names."""
LEAST = -9999.0
"""What stands for a probability of zero, since JSON has no infinity: as OpenAI's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A token that nothing stands before, so that nothing predicts it."""

    token: int


class TokenList:
    """Lists the tokens of one text piece by piece, and knows where in the text it is."""

    def __init__(self, tokenizer: Tokenizer, offset: int) -> None:
        """Begin at an offset in the text, in characters."""
        self._tokenizer = tokenizer
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.told = 0
        """Tokens listed so far."""

    def listed(self, scores: Sequence[TokenScore | Unscored], end: int) -> Listed:
        """Return the next tokens; those that a stop text has cut off begin at the end of the text."""
        self.told += len(scores)
        offsets = [min(offset, end) for offset in self._offsets(score.token for score in scores)]
        return {
            "tokens": [self._tokenizer.token_text(score.token) for score in scores],
            "token_logprobs": [finite(score.logprob) if isinstance(score, TokenScore) else None for score in scores],
            "top_logprobs": [self._top(score) if isinstance(score, TokenScore) else None for score in scores],
            "text_offset": offsets,
        }

    def _offsets(self, tokens: Iterable[int]) -> Iterable[int]:
        """Yield where each token begins: at the character that it goes on with, if it begins with none."""
        for token in tokens:
            yield self._offset
            self._offset += len(self._decoder.decode(self._tokenizer.token_bytes(token)))

    def _top(self, score: TokenScore) -> dict[str, float]:
        """Return the likeliest tokens, and behind them the one that was taken, if it is none of them."""
        pairs = (*score.top, (score.token, score.logprob))
        return {self._tokenizer.token_text(token): finite(logprob) for token, logprob in pairs}


def finite(logprob: float) -> float:
    """Return a log probability that JSON can hold."""
    return max(logprob, LEAST)


def joined(lists: Sequence[Listed]) -> Listed:
    """Return lists of tokens behind each other."""
    return {name: [entry for one in lists for entry in one[name]] for name in lists[0]}
