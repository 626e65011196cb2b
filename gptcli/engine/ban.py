"""Texts that must not appear: which tokens would complete one of them, given the bytes written so far.

A banned text can be cut into tokens in many ways, so the check is on bytes: a token is forbidden when it holds
a banned text whole, or when it begins with what is still missing of one whose beginning ends the text so far.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile


@dataclass(frozen=True, slots=True, kw_only=True)
class _BannedText:
    """One banned text and, for each number of its bytes already written, the tokens that would complete it."""

    text: bytes
    completing: tuple[tuple[int, ...], ...]


class BanTable:
    """For a vocabulary and some banned texts, the forbidden tokens after any beginning."""

    def __init__(self, texts: Sequence[bytes], vocabulary: Sequence[bytes]) -> None:
        self._always = tuple(token for token, piece in enumerate(vocabulary) if any(text in piece for text in texts))
        ordered = sorted((piece, token) for token, piece in enumerate(vocabulary) if piece)
        self._banned = tuple(
            _BannedText(
                text=text,
                completing=tuple(_starting_with(text[length:], ordered) for length in range(1, len(text))),
            )
            for text in texts
        )

    def forbidden(self, written: bytes | bytearray) -> list[int]:
        """Return the tokens that would complete a banned text after these bytes."""
        tokens = list(self._always)
        for banned in self._banned:
            for length, completing in enumerate(banned.completing, 1):
                if completing and written.endswith(banned.text[:length]):
                    tokens += completing
        return tokens


def _starting_with(prefix: bytes, ordered: Sequence[tuple[bytes, int]]) -> tuple[int, ...]:
    """Return the tokens whose bytes start with a prefix; the pieces are in order, so they stand together."""
    begin = bisect_left(ordered, (prefix, -1))
    return tuple(token for _, token in takewhile(lambda pair: pair[0].startswith(prefix), islice(ordered, begin, None)))
