"""What `explain` needs to know of rows; imports nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError

DEFAULT_TOP = 5
MOST_TOP = 1000
"""Alternatives of each token of a text: more would be most of the vocabulary, a text's tokens times over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainConfig:
    """What rows are explained by."""

    records: Iterable[Record]
    """The rows, read lazily: the input may be larger than memory."""
    model: ModelOptions = field(default_factory=ModelOptions)
    column: str | None = None
    """The column that holds the text; None looks for one named text."""
    skip_rows: int = 0
    """Rows at the beginning that an earlier, interrupted run has already finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensConfig(ExplainConfig):
    """What `explain` needs to know; raises ConfigError for a number of alternatives that is out of range."""

    top: int = DEFAULT_TOP
    """Alternatives told of each token."""
    versus: ModelOptions | None = None
    """A model to compare with, of the same tokenizer."""

    def __post_init__(self) -> None:
        require_top(self.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextConfig(ExplainConfig):
    """What `continuations` needs to know; raises ConfigError for less than one token."""

    count: int
    """How many of the likeliest next tokens."""
    sampling: SamplingOptions = field(default_factory=SamplingOptions)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"--next must be at least 1, not {self.count}")


def require_top(top: int) -> None:
    """Raise ConfigError for a number of alternatives that is out of range."""
    if not 0 <= top <= MOST_TOP:
        raise ConfigError(f"--top must be between 0 and {MOST_TOP:,}, not {top}")
