"""What `evaluate --task perplexity` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gptcli.errors import ConfigError
from gptcli.evaluation.protocols import Convention, Setting, convention_of
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

LEAST_CHUNK = 3
"""Tokens: the second half of a shorter chunk has none that is scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerplexityOptions:
    """The convention of a run; raises ConfigError for what cannot go together."""

    TASK: ClassVar[TaskName] = "perplexity"

    protocol: str | None = None
    """One of PROTOCOLS; None is our convention."""
    context: int | None = None
    """Most tokens that are read for one; None is the convention's, else the model's."""
    stride: int | None = None
    """Tokens that are scored in each further window; None is the convention's part of the context."""
    bos: bool | None = None
    """Whether a beginning-of-text token stands in front of each text; None is as the convention has it."""
    separator: str | None = None
    """What is read between documents, which are one stream then; None reads each by itself."""

    def __post_init__(self) -> None:
        convention = self.conventional
        settings: dict[Setting, object] = {
            "context": self.context,
            "stride": self.stride,
            "bos": self.bos,
            "separator": self.separator,
        }
        for name, value in settings.items():
            if value is not None and name not in convention.free:
                option = "--no-bos" if value is False else f"--{name}"
                raise ConfigError(f"{option} and --protocol {self.protocol} contradict each other: leave one out")
        least = LEAST_CHUNK if convention.windows == "chunks" else 1
        if self.context is not None and self.context < least:
            raise ConfigError(f"--context must be at least {least}, not {self.context}")
        if self.stride is not None and self.stride < 1:
            raise ConfigError(f"--stride must be at least 1, not {self.stride}")
        if self.context is not None:
            self.require_stride_within(self.context)
        if self.separator == "":
            raise ConfigError("--separator has no tokens: leave it out to read each document by itself")

    @property
    def conventional(self) -> Convention:
        """Return the convention that is asked for."""
        return convention_of(self.protocol)

    def require_stride_within(self, context: int) -> None:
        """Raise ConfigError for a stride that leaves tokens between windows."""
        if self.stride is not None and self.stride > context:
            raise ConfigError(f"--stride must be at most the context, {context:,} tokens, not {self.stride:,}")

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so."""
        from gptcli.tasks.evaluators.perplexity import Perplexity

        return Perplexity(self, roles)
