"""What an explanation of a text says, and the events that tell it; imports nothing heavy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from gptcli.data.records import Record

Measure = Literal["max", "mean", "total", "bpb"]
"""How the surprisal of a text becomes one figure: its most surprising token, the mean token, all of it, or a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyToken:
    """A token that the model expected."""

    token: int
    text: str
    r"""As it is shown to people: bytes that are no whole character read \xNN."""
    logprob: float
    """A natural logarithm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedToken:
    """A token of a text, and how far the model expected it."""

    token: int
    text: str
    r"""As it is shown to people: bytes that are no whole character read \xNN."""
    start: int
    """Characters of the text before it. A character of several tokens belongs to the last of them."""
    end: int
    logprob: float | None
    """A natural logarithm; None where nothing stands before it that could predict it, as are the next two."""
    rank: int | None
    """1 is the likeliest."""
    entropy: float | None
    """Nats: how unsure the model was in its place."""
    top: tuple[LikelyToken, ...]
    """What was likeliest in its place, likeliest first."""

    @property
    def bits(self) -> float | None:
        """Return its surprisal, -log2 p."""
        return None if self.logprob is None else bits_of(self.logprob)


@dataclass(frozen=True, kw_only=True)
class ExplainedText:
    """A text and its tokens."""

    text: str
    tokens: tuple[ExplainedToken, ...]

    @property
    def scored(self) -> Sequence[ExplainedToken]:
        """Return the tokens that something predicts: all, or all but the first."""
        return self.tokens[1:] if self.tokens and self.tokens[0].logprob is None else self.tokens

    @cached_property
    def figures(self) -> "Figures":
        """Return the text's surprisal in figures."""
        return Figures.of([token.logprob for token in self.scored if token.logprob is not None], self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The surprisal of a text."""

    total: float
    """Bits."""
    max: float
    """Bits of the most surprising token; 0 where there is none."""
    tokens: int
    """How many are counted."""
    utf8_bytes: int

    @classmethod
    def of(cls, logprobs: Sequence[float], text: str) -> "Figures":
        """Return the figures of a text from the natural logarithms of its tokens' probabilities."""
        return cls(
            total=bits_of(math.fsum(logprobs)),
            max=bits_of(min(logprobs, default=0.0)),
            tokens=len(logprobs),
            utf8_bytes=len(text.encode()),
        )

    @property
    def mean(self) -> float:
        """Return the bits of a token; 0 where there is none."""
        return self.total / self.tokens if self.tokens else 0.0

    @property
    def bits_per_byte(self) -> float | None:
        """Return the bits of a byte of UTF-8; None for an empty text."""
        return self.total / self.utf8_bytes if self.utf8_bytes else None

    def by(self, measure: Measure) -> float:
        """Return one figure; a text without tokens has 0 bits."""
        match measure:
            case "max":
                return self.max
            case "mean":
                return self.mean
            case "total":
                return self.total
            case "bpb":
                return self.bits_per_byte or 0.0


def bits_of(logprob: float) -> float:
    """Return the surprisal in bits of what has a log probability in nats; never -0."""
    return -logprob / math.log(2) + 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExplained:
    """How far each token of a row was expected."""

    index: int
    """The row's number in the input, from 0."""
    record: Record
    explained: ExplainedText

    @property
    def tokens(self) -> int:
        """Return how many were read."""
        return len(self.explained.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeasured:
    """The surprisal of a row in figures."""

    index: int
    record: Record
    text: str
    figures: Figures

    @property
    def tokens(self) -> int:
        """Return how many were read."""
        return self.figures.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class NextToken:
    """A token that may come next."""

    token: int
    text: str
    probability: float
    """As the model has it."""
    drawn: float
    """With which generate draws it, the options applied; 0 where they drop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowContinued:
    """What may come behind a row."""

    index: int
    record: Record
    text: str
    likely: tuple[NextToken, ...]
    """Likeliest first."""
    kept: int
    """How many tokens of the whole vocabulary the options keep."""
    entropy: float
    """Nats, before the options."""
    tokens: int
    """How many were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCompared:
    """How far two models expected each token of a row."""

    index: int
    record: Record
    explained: ExplainedText
    """By the model."""
    other: ExplainedText
    """By the model that it is compared with; the same tokens."""

    @property
    def tokens(self) -> int:
        """Return how many were read, by either."""
        return len(self.explained.tokens)


ExplainedRow = RowExplained | RowMeasured | RowContinued | RowCompared
