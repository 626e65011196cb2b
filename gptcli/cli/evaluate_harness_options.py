"""The options of evaluate that name tasks of lm-evaluation-harness."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from gptcli.errors import ConfigError

_harness = partial(typer.Option, rich_help_panel="Tasks of lm-evaluation-harness")


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessFlags:
    """Which tasks of others run."""

    harness: Annotated[
        str | None,
        _harness(
            "--harness",
            metavar="TASK,...",
            help="Measure by tasks of lm-evaluation-harness instead of FILE: their data, prompts and measures, our "
            "engine. Needs its package: pip install 'gptcli[harness]'.",
        ),
    ] = None
    harness_include: Annotated[
        str | None,
        _harness("--harness-include", metavar="DIR", help="Know the task files (.yaml) in DIR too."),
    ] = None

    @property
    def is_asked_for(self) -> bool:
        """Return whether any task is; raises ConfigError for a directory of tasks alone."""
        if self.harness_include is not None and self.harness is None:
            raise ConfigError("--harness-include needs --harness TASK")
        return self.harness is not None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the tasks."""
        return tuple(name.strip() for name in (self.harness or "").split(","))
