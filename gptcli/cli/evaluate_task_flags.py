"""The options of evaluate that not all of its tasks have, together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gptcli.cli.evaluate_choices_options import ChoicesFlags, LastWordFlags
from gptcli.cli.evaluate_classify_options import EvaluateClassifyFlags
from gptcli.cli.evaluate_complete_options import EvaluateCompleteFlags
from gptcli.cli.evaluate_perplexity_options import PerplexityFlags

if TYPE_CHECKING:
    from gptcli.cli.evaluate_tasks import TaskFlags


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksFlags:
    """The options of each task."""

    perplexity: PerplexityFlags
    classify: EvaluateClassifyFlags
    complete: EvaluateCompleteFlags
    choices: ChoicesFlags
    last_word: LastWordFlags

    @property
    def groups(self) -> "tuple[TaskFlags, ...]":
        """Return them all."""
        return self.perplexity, self.classify, self.complete, self.choices, self.last_word
