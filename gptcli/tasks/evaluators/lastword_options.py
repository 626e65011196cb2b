"""What `evaluate --task lastword` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

LastWordProtocol = Literal["lm-eval", "last-token"]
"""What of a text is to be predicted.

lm-eval: all tokens of what stands behind the last space, as the task lambada_openai of lm-evaluation-harness.
last-token: the last token alone, be it the end of a word; as OpenAI measured the figures of the GPT-2 paper.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWordOptions:
    """Which of the known ways to measure it."""

    TASK: ClassVar[TaskName] = "lastword"

    protocol: LastWordProtocol = "lm-eval"

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so."""
        from gptcli.tasks.evaluators.lastword import LastWord

        return LastWord(self, roles.text or "text")
