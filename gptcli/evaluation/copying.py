"""Measure how much of a text stands word for word in a training corpus.

Words are what white space parts, case and punctuation and all. Of the corpus, the hash of every n words in a row is
kept: 8 bytes a word. That n other words have one of 20 million hashes has a chance of 1 in 10**12.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORDS_IN_A_ROW = 8
"""Fewer are shared by people who never read each other; a long quotation still has many eights."""
MOST_WORDS = 20_000_000
"""About 110 MB of English, whose hashes take 160 MB, twice that while they are sorted."""
BLOCK_WORDS = 1 << 16
PIECE_CHARACTERS = 1 << 20
"""A text is split into words so many characters at a time: a list of words takes ten times the text."""

_SPACE = re.compile(r"\s")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of an earlier word is lost; 2**64 by the golden ratio

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyIndex:
    """Every n words in a row of a corpus. Python salts its hashes, so an index is of use in its own process only."""

    hashes: Hashes
    """Sorted."""
    n: int
    words: int
    """Words of the corpus that are in it."""
    whole: bool
    """False where the corpus goes on after most_words: what was copied from there is not found."""

    @classmethod
    def of(cls, texts: Iterable[str], *, n: int = WORDS_IN_A_ROW, most_words: int = MOST_WORDS) -> "CopyIndex":
        """Read training texts, in order, until they or most_words end.

        n words in a row never cross the end of a text. A text of fewer than n words is filled up with empty ones: it
        is found as a whole text and never as part of a longer one.
        """
        builder = _Builder(n, most_words)
        for text in texts:
            builder.read(text)
            if not builder.whole:
                break
        return cls(hashes=builder.sorted_hashes(), n=n, words=builder.words, whole=builder.whole)

    def share(self, text: str) -> float:
        """Return the share of a text's words that lie in some n words in a row of the corpus; 0 of no words."""
        words = text.split()
        if not words:
            return 0.0
        found = self._found(words)
        copied = np.zeros(len(found) + self.n - 1, dtype=np.bool_)
        for place in range(self.n):
            copied[place : place + len(found)] |= found
        return float(copied[: len(words)].mean())

    def longest(self, text: str) -> str:
        """Return the longest run of words, one space apart, every n in a row of which stand in the corpus.

        Of equal ones the first. Two passages of the corpus that overlap by n - 1 words count as one.
        """
        words = text.split()
        if not words:
            return ""
        found = np.concatenate(([False], self._found(words), [False]))
        begins, ends = np.flatnonzero(found[1:] != found[:-1]).reshape(-1, 2).T
        if not len(begins):
            return ""
        run = int(np.argmax(ends - begins))
        return " ".join(words[begins[run] : ends[run] + self.n - 1])

    def _found(self, words: list[str]) -> NDArray[np.bool_]:
        """Tell of each n words in a row whether the corpus has them."""
        wanted = _rows_of(_hash_words(_filled_up(words, self.n)), self.n)
        found: NDArray[np.bool_] = np.searchsorted(self.hashes, wanted, "left") < np.searchsorted(
            self.hashes, wanted, "right"
        )
        return found


class _Builder:
    """Hashes a corpus a block of words at a time; a block may begin and end within a text."""

    def __init__(self, n: int, most_words: int) -> None:
        self.words = 0
        self.whole = True
        self._n, self._most_words = n, most_words
        self._block: list[str] = []
        self._ends: list[int] = [0]
        """Where in the block texts have ended; the first began at 0."""
        self._hashes: list[Hashes] = []

    def read(self, text: str) -> None:
        """Take a text in, or what there is room for."""
        length = 0
        for piece in _pieces(text):
            words = piece.split()
            kept = words[: self._most_words - self.words]
            self.whole = len(kept) == len(words)
            self._block += kept
            self.words += len(kept)
            length += len(kept)
            if len(self._block) >= BLOCK_WORDS:
                self._hash_block()
            if not self.whole:
                break
        if 0 < length < self._n:
            self._block += [""] * (self._n - length)
        self._ends.append(len(self._block))

    def sorted_hashes(self) -> Hashes:
        """Return all hashes in order; nothing can be read after."""
        self._hash_block()
        hashes = np.concatenate(self._hashes)
        self._hashes.clear()
        hashes.sort()
        return hashes

    def _hash_block(self) -> None:
        lengths = np.diff([*self._ends, len(self._block)])
        texts = np.repeat(np.arange(len(lengths)), lengths)
        hashes = _rows_of(_hash_words(self._block), self._n)
        within = texts[: len(hashes)] == texts[self._n - 1 :]
        self._hashes.append(hashes[within])
        # The next words of a text that has not ended stand in a row with the last of these.
        carried = min(int(lengths[-1]), self._n - 1)
        self._block = self._block[len(self._block) - carried :]
        self._ends = [0]


def _pieces(text: str) -> Iterator[str]:
    """Cut a text where white space is, after PIECE_CHARACTERS each."""
    begin = 0
    while begin < len(text):
        space = _SPACE.search(text, begin + PIECE_CHARACTERS)
        end = space.start() if space else len(text)
        yield text[begin:end]
        begin = end


def _filled_up(words: list[str], n: int) -> list[str]:
    return words + [""] * (n - len(words))


def _hash_words(words: list[str]) -> Hashes:
    return np.fromiter(map(hash, words), dtype=np.int64, count=len(words)).view(np.uint64)


def _rows_of(words: Hashes, n: int) -> Hashes:
    """Hash every n words in a row: a polynomial of their hashes, modulo 2**64."""
    rows = max(0, len(words) - n + 1)
    hashes = words[:rows].copy()
    for place in range(1, n):
        hashes *= _MULTIPLIER
        hashes += words[place : place + rows]
    return hashes
