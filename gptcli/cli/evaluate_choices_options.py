"""The options of evaluate for choices among endings, and for the last words of passages."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from gptcli.cli.evaluate_options import Protocol
from gptcli.tasks.evaluators.choices_options import ChoicesOptions, Normalization
from gptcli.tasks.evaluators.lastword_options import LastWordOptions
from gptcli.tasks.evaluators.options import TaskName

_CHOICES = ChoicesOptions()
_LAST_WORD = LastWordOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesFlags:
    """How endings are compared."""

    TASK: ClassVar[TaskName] = "choices"

    protocol: Protocol = _CHOICES.protocol
    normalization: Annotated[
        Normalization,
        typer.Option(
            "--normalization",
            rich_help_panel="How it is measured",
            help="What an ending's log-likelihood is divided by in the accuracy that comes first; all four are given.",
        ),
    ] = _CHOICES.normalization

    def options(self) -> ChoicesOptions:
        """Return them checked; raises ConfigError."""
        return ChoicesOptions(protocol=self.protocol, normalization=self.normalization)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWordFlags:
    """What of a passage's end is predicted."""

    TASK: ClassVar[TaskName] = "lastword"

    protocol: Protocol = _LAST_WORD.protocol

    def options(self) -> LastWordOptions:
        """Return them checked; raises ConfigError."""
        return LastWordOptions(protocol=self.protocol)
