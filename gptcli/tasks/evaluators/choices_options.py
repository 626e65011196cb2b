"""What `evaluate --task choices` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gptcli.data.choice_protocols import ChoiceProtocol, require_protocol
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

Normalization = Literal["sum", "tokens", "characters", "bytes"]
"""What an ending's summed log-likelihood is divided by before the largest is chosen; of sum, nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesOptions:
    """How endings are worded, and which of the accuracies comes first; all are given."""

    TASK: ClassVar[TaskName] = "choices"

    protocol: ChoiceProtocol = "plain"
    normalization: Normalization = "sum"

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so; raises ConfigError where the protocol says nothing of such rows."""
        from gptcli.tasks.evaluators.choices import Choices

        if roles.choices is None:
            raise ConfigError("--task choices needs rows with endings to choose from")
        require_protocol(roles.choices, self.protocol)
        return Choices(self, roles.choices)
