"""What `evaluate --task choices` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gptcli.data.choice_protocols import choice_protocol, require_protocol
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

Normalization = Literal["sum", "tokens", "characters", "bytes"]
"""What an ending's summed log-likelihood is divided by before the largest is chosen; of sum, nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesOptions:
    """How questions are worded, and which accuracy comes first; raises ConfigError for a protocol that is none."""

    TASK: ClassVar[TaskName] = "choices"

    protocol: str | None = None
    """One of CHOICE_PROTOCOLS; None reads the columns as they are."""
    normalization: Normalization = "sum"
    """All accuracies are given, this one first."""

    def __post_init__(self) -> None:
        choice_protocol(self.protocol)

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so; raises ConfigError where the protocol says nothing of such rows."""
        from gptcli.tasks.evaluators.choices import Choices

        if roles.choices is None:
            raise ConfigError("--task choices needs rows with endings to choose from")
        protocol = choice_protocol(self.protocol)
        require_protocol(roles.choices, protocol)
        return Choices(roles.choices, protocol, self.normalization)
