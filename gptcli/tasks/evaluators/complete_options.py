"""What `evaluate --task complete` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gptcli.data.prompts import prompter
from gptcli.engine.options import SamplingOptions
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

GREEDY = SamplingOptions(temperature=0.0, overflow="truncate-left")
"""Greedy, so that the figures are the model's and not the seed's; a prompt is cut as for its likelihood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteOptions:
    """How rows are put to the model, and whether it writes; raises ConfigError for a template that makes no sense."""

    TASK: ClassVar[TaskName] = "complete"

    template: str | None = None
    """A named template, a format string over the columns, or "none"; None is the one saved with the model."""
    writing: SamplingOptions | None = GREEDY
    """None has the model write nothing: only the likelihood of the references is measured."""

    def __post_init__(self) -> None:
        if self.template is not None:
            prompter(self.template)

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so."""
        from gptcli.tasks.evaluators.complete import Complete

        return Complete(self, roles)
