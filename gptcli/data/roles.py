"""Choose what to learn from which columns: by their names, then by what they hold, and never by their place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gptcli.data.column_parts import LEARNING, ColumnParts, Purpose, Sample
from gptcli.errors import ConfigError, InputError

Task = Literal["lm", "classify", "complete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRoles:
    """What the user asked for; None and empty are to be found. Raises ConfigError for what cannot go together."""

    task: Task | Literal["auto"] = "auto"
    text_column: str | None = None
    label_column: str | None = None
    prompt_columns: tuple[str, ...] = ()
    completion_column: str | None = None

    def __post_init__(self) -> None:
        tasks = {
            "--text-column": ("lm", "classify") if self.text_column else (),
            "--label-column": ("classify",) if self.label_column else (),
            "--prompt-column": ("complete",) if self.prompt_columns else (),
            "--completion-column": ("complete",) if self.completion_column else (),
        }
        given = {option: allowed for option, allowed in tasks.items() if allowed}
        for option, allowed in given.items():
            if self.task not in ("auto", *allowed):
                raise ConfigError(f"{option} does not go with --task {self.task}")
        pairs = [option for option, allowed in given.items() if allowed == ("complete",)]
        others = [option for option in given if option not in pairs]
        if pairs and others:
            raise ConfigError(f"{others[0]} and {pairs[0]} contradict each other: the task is one or the other")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that are named."""
        names = (self.text_column, self.label_column, *self.prompt_columns, self.completion_column)
        return tuple(name for name in names if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The task and the columns that it learns from."""

    task: Task
    text: str | None = None
    label: str | None = None
    prompts: tuple[str, ...] = ()
    completion: str | None = None
    reason: str
    """A sentence that tells the choice, why it was made, and what is ignored."""
    ignored: tuple[str, ...] = ()
    """Columns that nothing is learned from."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are learned from."""
        names = (self.text, self.label, *self.prompts, self.completion)
        return tuple(name for name in names if name is not None)


def choose_roles(
    columns: Sequence[str], sample_rows: Sample, wanted: WantedRoles, purpose: Purpose = LEARNING
) -> Roles:
    """Return the task and its columns; raises InputError that lists the columns where any of it is in doubt."""
    for name in wanted.columns:
        if name not in columns:
            raise InputError(f"no column {name}: the columns are {', '.join(columns)}")
    parts = ColumnParts(columns, sample_rows, purpose, task=wanted.task)
    if wanted.task == "complete" or wanted.prompt_columns or wanted.completion_column:
        roles = _complete(parts, wanted)
    elif wanted.task == "classify" or wanted.label_column:
        roles = _classify(parts, wanted)
    elif wanted.task == "lm":
        roles = _lm(parts, wanted)
    else:
        roles = _auto(parts, wanted)
    return with_ignored(roles, columns)


def with_ignored(roles: Roles, columns: Sequence[str]) -> Roles:
    """Return the roles with the columns that nothing is learned from, also told in the reason."""
    ignored = tuple(name for name in columns if name not in roles.columns)
    told = f"; ignored: {', '.join(ignored)}" if ignored else ""
    return replace(roles, ignored=ignored, reason=f"{roles.reason}{told}")


def _auto(parts: ColumnParts, wanted: WantedRoles) -> Roles:
    label = parts.label(without=wanted.text_column)
    if wanted.text_column is None:
        pairs = parts.pairs()
        text = parts.text()
        if pairs and label is not None and (text is not None or label.casefold() == "label"):
            raise parts.doubt(f"{label} could be a label and {pairs[0][1]} a completion")
        if pairs:
            return _complete(parts, wanted)
    else:
        text = wanted.text_column
    if text is None:
        return _by_content(parts) if label is None else _classify(parts, wanted)
    if label is not None:
        return _classify(parts, wanted)
    return _with_text(parts, text)


def _with_text(parts: ColumnParts, text: str) -> Roles:
    """Return the roles where the text is known and no column has a label's name."""
    others = [name for name in parts.unknown() if name != text]
    labels = [name for name in others if parts.holds_labels(name)]
    texts = [name for name in others if parts.holds_text(name)]
    if texts:
        raise parts.doubt(f"{' and '.join((text, *texts))} all hold text")
    if labels == others and len(labels) == 1:
        return _classified(text, labels[0], f"{_column(text)} holds text and {labels[0]} few, repeated, short values")
    if labels:
        raise parts.doubt(f"{' or '.join(labels)} could be a label")
    decimals = [name for name in others if parts.holds_decimals(name)]
    hint = f" ({decimals[0]} holds numbers: {parts.predicting(decimals[0])} to predict them)" if decimals else ""
    return _learned(text, f"{_column(text)} is a text and no column is a label{hint}")


def _by_content(parts: ColumnParts) -> Roles:
    """Return the roles of columns whose names say nothing."""
    if len(parts.names) == 1:
        return _learned(parts.names[0], f"{parts.names[0]} is the only column")
    unknown = parts.unknown()
    texts = [name for name in unknown if parts.holds_text(name)]
    labels = [name for name in unknown if parts.holds_labels(name)]
    if len(texts) == 1 and unknown == texts:
        return _learned(texts[0], f"only {_column(texts[0])} holds text")
    if len(texts) == len(labels) == 1 and len(unknown) == 2:
        why = f"only {_column(texts[0])} holds text and only {labels[0]} few, repeated, short values"
        return _classified(texts[0], labels[0], why)
    raise parts.doubt("since the columns' names do not say")


def _classify(parts: ColumnParts, wanted: WantedRoles) -> Roles:
    text = wanted.text_column
    label = wanted.label_column or parts.label(without=text, strictly=False)
    if label is None:
        text = text or parts.text()
        labels = [name for name in parts.unknown() if name != text and parts.holds_labels(name)]
        if len(labels) != 1:
            raise parts.doubt(
                f"{' or '.join(labels)} could be the label" if labels else "since no column is surely a label"
            )
        label = labels[0]
    text = text or parts.text(without=label) or parts.only_text([name for name in parts.names if name != label])
    if text is None:
        raise parts.doubt(f"since none beside the label {label} is surely the text")
    if text == label:
        raise ConfigError(f"--text-column and --label-column are both {text}")
    return _classified(text, label, f"{_column(text)} is the text and {label} the label")


def _lm(parts: ColumnParts, wanted: WantedRoles) -> Roles:
    text = wanted.text_column or parts.text() or parts.only_text(parts.names)
    if text is None:
        raise parts.doubt("since none is surely the text")
    return _learned(text, f"{_column(text)} is the text")


def _complete(parts: ColumnParts, wanted: WantedRoles) -> Roles:
    prompts, completion = wanted.prompt_columns, wanted.completion_column
    if not prompts or completion is None:
        pairs = [(first, last) for first, last in parts.pairs() if completion in (None, last)]
        pairs = [(first, last) for first, last in pairs if not prompts or set(prompts) <= set(first)]
        if len(pairs) != 1:
            told = " or ".join(f"{' and '.join(first)} with {last}" for first, last in pairs)
            raise parts.doubt(
                f"{told} could be the prompt and its completion" if pairs else "since no columns are a pair"
            )
        prompts, completion = prompts or pairs[0][0], pairs[0][1]
    if completion in prompts:
        raise ConfigError(f"--prompt-column and --completion-column are both {completion}")
    read = _column(prompts[0]) if len(prompts) == 1 else f"columns {', '.join(prompts[:-1])} and {prompts[-1]}"
    why = f"{read} {'is' if len(prompts) == 1 else 'are'} the prompt and {completion} its completion"
    return Roles(task="complete", prompts=prompts, completion=completion, reason=f"complete: {why}")


def _column(name: str) -> str:
    """Return how a column is spoken of; one without a name is called column and its number already."""
    return name if name.startswith("column ") else f"column {name}"


def _learned(text: str, why: str) -> Roles:
    return Roles(task="lm", text=text, reason=f"lm: {why}")


def _classified(text: str, label: str, why: str) -> Roles:
    return Roles(task="classify", text=text, label=label, reason=f"classify: {why}")
