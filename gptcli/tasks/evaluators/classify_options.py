"""What `evaluate --task classify` is asked to do."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from gptcli.errors import MissingExtraError
from gptcli.tasks.config import Long
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName
from gptcli.tasks.labelling.option_checks import require_label_set_options
from gptcli.tasks.labelling.options import LabelOptions

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyOptions:
    """How texts get their labels; raises ConfigError, and MissingExtraError where plots cannot be drawn."""

    TASK: ClassVar[TaskName] = "classify"

    labels: LabelOptions | None = None
    """Labels in words; None is those of the model's own head."""
    long: Long = "head"
    threshold: float | None = None
    """From here on a label is given, where labels do not exclude each other; None is 0.5."""
    label_separator: str | None = None
    """What parts the labels of a cell, as threshold has it; None is a comma."""
    plots: str | None = None
    """A directory for pictures."""

    def __post_init__(self) -> None:
        require_label_set_options(self.threshold, self.label_separator, self.labels)
        if self.plots is not None and find_spec("matplotlib") is None:
            raise MissingExtraError('--plot needs matplotlib: pip install "gptcli[plot]"')

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so."""
        from gptcli.tasks.evaluators.classify import Classify

        return Classify(self, roles)
