"""What `evaluate --task lastword` is asked to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

if TYPE_CHECKING:
    from gptcli.tasks.evaluators.base import Evaluator

LastWordProtocol = Literal["lm-eval", "last-token"]
"""What of a text is to be predicted.

lm-eval: all tokens of what stands behind the last space, as the task lambada_openai of lm-evaluation-harness.
last-token: the last token alone, be it only the end of a word; so OpenAI is known to have measured GPT-2.
"""
LAST_WORD_PROTOCOLS: tuple[LastWordProtocol, ...] = ("lm-eval", "last-token")
"""The first is taken where none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWordOptions:
    """Which of the known ways to measure it; raises ConfigError for a protocol that is none."""

    TASK: ClassVar[TaskName] = "lastword"

    protocol: str | None = None
    """One of LAST_WORD_PROTOCOLS."""

    def __post_init__(self) -> None:
        self._protocol()

    def evaluator(self, roles: MeasuredRoles) -> "Evaluator":
        """Return what measures so."""
        from gptcli.tasks.evaluators.lastword import LastWord

        if roles.text is None:
            raise ConfigError("--task lastword needs a column of texts: name it with --text-column")
        return LastWord(roles.text, self._protocol())

    def _protocol(self) -> LastWordProtocol:
        wanted = self.protocol or LAST_WORD_PROTOCOLS[0]
        for protocol in LAST_WORD_PROTOCOLS:
            if protocol == wanted:
                return protocol
        raise ConfigError(f"--protocol of lastword must be {' or '.join(LAST_WORD_PROTOCOLS)}, not {wanted!r}")
