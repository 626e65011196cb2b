"""Which task the options of a command line leave open, and that task's own options."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, get_args

from gptcli.cli.evaluate_perplexity_options import PerplexityFlags
from gptcli.data.choice_protocols import CHOICE_PROTOCOLS
from gptcli.errors import ConfigError
from gptcli.evaluation.protocols import PROTOCOLS
from gptcli.tasks.evaluators.lastword_options import LAST_WORD_PROTOCOLS
from gptcli.tasks.evaluators.options import TaskName, TaskOptions

_TASKS: tuple[TaskName, ...] = get_args(TaskName)
_COLUMNS: Mapping[str, frozenset[TaskName]] = MappingProxyType(
    {
        "text_column": frozenset({"perplexity", "classify", "lastword"}),
        "label_column": frozenset({"classify"}),
        "prompt_columns": frozenset({"complete"}),
        "completion_column": frozenset({"complete"}),
    }
)
"""The tasks that have a use for a column."""
_PROTOCOLS: Mapping[TaskName, tuple[str, ...]] = MappingProxyType(
    {"perplexity": tuple(PROTOCOLS), "choices": CHOICE_PROTOCOLS, "lastword": LAST_WORD_PROTOCOLS}
)


class TaskFlags(Protocol):
    """The options of one task on the command line: a dataclass whose fields are they."""

    TASK: ClassVar[TaskName]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def options(self) -> TaskOptions:
        """Return them checked; raises ConfigError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTask:
    """The tasks that are left, and the options of all tasks."""

    task: TaskName | Literal["auto"]
    left: frozenset[TaskName]
    groups: tuple[TaskFlags, ...]
    """One for each task."""
    by: str
    """The option that ruled the others out; empty where none did."""
    protocol: str | None = None
    """The value of --protocol, which each of several tasks has names for."""

    def options(self, task: TaskName) -> TaskOptions:
        """Return a task's options; raises ConfigError where the data is for a task that an option rules out."""
        able = frozenset(name for name, protocols in _PROTOCOLS.items() if self.protocol in protocols)
        if task not in self.left:
            others = _either((self.left & able if self.by == "--protocol" else self.left) or able or self.left)
            raise ConfigError(f"{self.by} does not go with {task}, which the data is for: give --task {others}")
        if able and task in _PROTOCOLS and task not in able:
            its = " or ".join(_PROTOCOLS[task])
            raise ConfigError(f"--protocol {self.protocol} is for --task {_either(able)}; that of {task} is {its}")
        return {group.TASK: group for group in self.groups}[task].options()


def asked_task(task: TaskName | Literal["auto"], groups: Sequence[TaskFlags], given: Mapping[str, str]) -> AskedTask:
    """Return what is left of the tasks by the options that were given, as they were spelled.

    An option that only one task has chooses it. Raises ConfigError for options that no task has all of, and for
    what a task's own options cannot be, where the task is settled.
    """
    left = frozenset(_TASKS if task == "auto" else (task,))
    by = "" if task == "auto" else f"--task {task}"
    for name, spelled in given.items():
        useful = _useful_for(name, groups)
        if useful is None:
            continue
        if not left & useful:
            raise ConfigError(_contradiction(spelled, useful, by, left))
        if left - useful:
            left, by = left & useful, spelled
    if task == "auto" and len(left) > 1:
        left -= {"lastword"}  # it wants any text, and nothing in the data tells that
    settled = next(iter(left)) if len(left) == 1 else task
    asked = AskedTask(task=settled, left=left, groups=tuple(groups), by=by, protocol=_protocol(groups))
    if settled != "auto":
        asked.options(settled)
    return asked


def _protocol(groups: Sequence[TaskFlags]) -> str | None:
    """Return the value of --protocol, which is the same in all groups that have it."""
    return next((group.protocol for group in groups if isinstance(group, PerplexityFlags)), None)


def _either(tasks: Set[TaskName]) -> str:
    return " or ".join(name for name in _TASKS if name in tasks)


def _useful_for(name: str, groups: Sequence[TaskFlags]) -> frozenset[TaskName] | None:
    """Return the tasks that have an option; None for an option that says nothing of the task."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    return frozenset(group.TASK for group in groups if name in {field.name for field in fields(group)}) or None


def _contradiction(spelled: str, useful: frozenset[TaskName], by: str, left: frozenset[TaskName]) -> str:
    its = _either(useful)
    if by.startswith("--task"):
        return f"{spelled} does not go with {by}: it is for {its}"
    others = _either(left)
    return f"{by} and {spelled} contradict each other: one is for {others}, the other for {its}"
