"""Choose lines by their surprisal, as grep does by a pattern."""

import math
from dataclasses import dataclass

from gptcli.errors import ConfigError
from gptcli.tasks.explain_events import Figures, Measure

NOTHING_SELECTED = 1
"""The exit code where no line is printed, as of grep."""


class NothingSelectedError(Exception):
    """No line was printed: nothing is said of it, and the exit code tells it."""


@dataclass(slots=True, kw_only=True)
class Selection:
    """The lines that are printed, counted; raises ConfigError for bounds that none can be within."""

    above: float | None
    below: float | None
    by: Measure
    selected: int = 0

    def __post_init__(self) -> None:
        for option, bound in (("--above", self.above), ("--below", self.below)):
            if bound is not None and not math.isfinite(bound):
                raise ConfigError(f"{option} must be a finite number, not {bound:g}")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ConfigError(f"--above {self.above:g} leaves no line below {self.below:g}: give a smaller one")

    @property
    def bounded(self) -> bool:
        """Return whether lines can be left out."""
        return self.above is not None or self.below is not None

    def takes(self, figures: Figures) -> bool:
        """Return whether a line is printed, and count it."""
        value = figures.by(self.by)
        taken = (self.above is None or value > self.above) and (self.below is None or value < self.below)
        self.selected += taken
        return taken
