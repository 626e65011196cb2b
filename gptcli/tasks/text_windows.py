"""Read a text of any length under evaluate's own convention: its tokens, what stands in front of them, its windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.backend import Tokens
from gptcli.evaluation.windows import Window, sliding_windows
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.evaluators.perplexity_reading import reach_of, text_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowedText:
    """The tokens of a text and how they are read."""

    own: Tokens
    """The text's, and none that stands in front."""
    ids: Tokens
    """With the beginning-of-text token in front where the model has one."""
    windows: Sequence[Window]
    """Of ids; they score each once, but the first."""

    @property
    def unscored(self) -> int:
        """Return how many of the text's own tokens, at its beginning, nothing predicts."""
        return min(1, len(self.own)) if len(self.own) == len(self.ids) else 0


def windowed(tokenizer: Tokenizer, config: ModelConfig, text: str) -> WindowedText:
    """Return a text in windows; raises InputError for half of a surrogate pair."""
    reach = reach_of(PerplexityOptions(), config)
    own = text_tokens(tokenizer, text)
    ids = own if reach.beginning is None else np.concatenate([np.array([reach.beginning], np.int32), own])
    windows = tuple(sliding_windows(len(ids), context=reach.context, stride=reach.stride))
    return WindowedText(own=own, ids=ids, windows=windows)


def text_spans(tokenizer: Tokenizer, tokens: Sequence[int], text: str) -> Iterator[tuple[int, int]]:
    """Yield where in a text each of its tokens begins and ends, in characters; together they are the whole text.

    A character of several tokens belongs to the last of them. So does white space to the token behind it that an
    added token has taken away.
    """
    data = text.encode()
    place = begin = start = 0
    for number, token in enumerate(tokens, start=1):
        place = len(data) if number == len(tokens) else _end(data, place, tokenizer.token_bytes(token))
        whole = place
        while whole < len(data) and data[whole] & 0xC0 == 0x80:  # a byte that goes on with a character
            whole -= 1
        end = start + len(data[begin:whole].decode())
        yield start, end
        begin, start = whole, end


def _end(data: bytes, place: int, spelled: bytes) -> int:
    """Return where a token ends that is spelled so and stands at a place or behind white space."""
    if data.startswith(spelled, place):
        return place + len(spelled)
    if place == 0 and spelled[:1] == b" " and data.startswith(spelled[1:]):  # the tokenizer put it there
        return len(spelled) - 1
    found = data.find(spelled, place)
    return place if found < 0 else found + len(spelled)
