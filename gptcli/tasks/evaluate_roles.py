"""Choose what to measure on which columns, as `finetune` chooses what to learn; rows of choices are known by shape."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from gptcli.data.choices import ChoiceShape, choice_shape, require_choice_shape
from gptcli.data.column_parts import Purpose
from gptcli.data.roles import Roles, Task, WantedRoles, choose_roles
from gptcli.errors import InputError
from gptcli.tasks.evaluate_rows import Look
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName

MEASURING = Purpose(verb="measure", text_task="perplexity")
_LEARNED: Mapping[TaskName | Literal["auto"], Task | Literal["auto"]] = MappingProxyType(
    {"auto": "auto", "perplexity": "lm", "lastword": "lm", "classify": "classify", "complete": "complete"}
)
"""What would be learned from the columns that a task measures on."""
_MEASURED: Mapping[Task, TaskName] = MappingProxyType(
    {"lm": "perplexity", "classify": "classify", "complete": "complete"}
)


def choose_task(
    look: Look, task: TaskName | Literal["auto"], wanted: WantedRoles, *, by: str | None = None
) -> MeasuredRoles:
    """Return the task and its columns; raises InputError where they are not there, or in doubt.

    by is the option that chose the task; None is --task itself.
    """
    if look.text and task in ("classify", "complete", "choices"):
        told = f"--task {task}" if by is None else f"{by} is for --task {task}, which"
        raise InputError(f"{look.name} is plain text: {told} needs rows with columns, as .csv and .jsonl have")
    roles = _choose(look.columns, look.sample, task, wanted)
    if look.text:
        reason = f"{roles.task}: {look.name} is plain text"
        roles = MeasuredRoles(task=roles.task, columns=roles.columns, text=roles.text, reason=reason, plain=True)
    look.require(roles.used)
    return roles


def _choose(
    columns: tuple[str, ...],
    sample: Sequence[Mapping[str, object]],
    task: TaskName | Literal["auto"],
    wanted: WantedRoles,
) -> MeasuredRoles:
    if task == "choices":
        return _of_choices(columns, require_choice_shape(columns, sample))
    shape = choice_shape(columns, sample) if task == "auto" and not wanted.columns else None
    if shape is not None:
        return _of_choices(columns, shape)
    roles = choose_roles(columns, sample, replace(wanted, task=_LEARNED[task]), MEASURING)
    return _of_roles(columns, roles, _MEASURED[roles.task] if task == "auto" else task)


def _of_choices(columns: tuple[str, ...], shape: ChoiceShape) -> MeasuredRoles:
    ignored = [name for name in columns if name not in shape.known]
    told = f"; ignored: {', '.join(ignored)}" if ignored else ""
    return MeasuredRoles(task="choices", columns=columns, choices=shape, reason=f"{shape.reason}{told}")


def _of_roles(columns: tuple[str, ...], roles: Roles, task: TaskName) -> MeasuredRoles:
    _, _, why = roles.reason.partition(": ")
    return MeasuredRoles(
        task=task,
        columns=columns,
        text=roles.text,
        label=roles.label,
        prompts=roles.prompts,
        completion=roles.completion,
        reason=f"{task}: {why}",
    )
