"""What a task of `evaluate` is asked to do, and which columns it does it to; imports nothing heavy.

The options of each task are a frozen dataclass in NAME_options.py beside this; they check themselves when they are
made (ConfigError), and import their evaluator only when they make it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from gptcli.data.choices import ChoiceShape
    from gptcli.tasks.evaluators.base import Evaluator

TaskName = Literal["perplexity", "classify", "complete", "choices", "lastword"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRoles:
    """The columns that a task measures on; what it has no use for is None or empty."""

    task: TaskName
    columns: tuple[str, ...]
    """All that the data has."""
    reason: str
    """A sentence that tells the choice and why it was made."""
    text: str | None = None
    """Of perplexity, classify and lastword."""
    label: str | None = None
    prompts: tuple[str, ...] = ()
    completion: str | None = None
    choices: "ChoiceShape | None" = None
    plain: bool = False
    """Whether the data is plain text."""

    @property
    def used(self) -> tuple[str, ...]:
        """Return the columns that are measured on."""
        names = (self.text, self.label, *self.prompts, self.completion, *(self.choices.columns if self.choices else ()))
        return tuple(name for name in names if name is not None)


class TaskOptions(Protocol):
    """The options of one task."""

    TASK: ClassVar[TaskName]

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so; raises ConfigError where the options do not fit the columns."""
        ...
