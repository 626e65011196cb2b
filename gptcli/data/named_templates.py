"""The named templates, the columns that they go with, and the one that is chosen when none is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gptcli.data.column_names import SYNONYMS, find
from gptcli.data.roles import Roles, WantedRoles
from gptcli.data.templates import PromptTemplate, plain_template, user_template
from gptcli.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTemplate:
    """A template over fields that stand for columns of several names."""

    prompts: tuple[str, ...]
    completion: str
    format: str
    optional: str | None = None
    """A prompt field that a data set may lack."""
    format_without: str = ""
    """The format for a data set that lacks it."""


NAMED: Mapping[str, NamedTemplate] = MappingProxyType(
    {
        "qa": NamedTemplate(
            prompts=("context", "question"),
            completion="answer",
            format="{context}\n\nQuestion: {question}\nAnswer: {answer}",
            optional="context",
            format_without="Question: {question}\nAnswer: {answer}",
        ),
        # TL;DR: and = are how GPT-2 was asked to summarise and translate (Radford et al. 2019, sections 3.6 and 3.7).
        "summary": NamedTemplate(prompts=("article",), completion="summary", format="{article}\n\nTL;DR: {summary}"),
        "translate": NamedTemplate(prompts=("source",), completion="target", format="{source} = {target}"),
        "code": NamedTemplate(prompts=("description",), completion="code", format='"""\n{description}\n"""\n{code}'),
        "chat": NamedTemplate(prompts=("user",), completion="assistant", format="User: {user}\nAssistant: {assistant}"),
    }
)
_INSTRUCTION = NamedTemplate(
    prompts=("instruction", "input"),
    completion="output",
    format="Instruction: {instruction}\nInput: {input}\nOutput: {output}",
    optional="input",
    format_without="Instruction: {instruction}\nOutput: {output}",
)
# The likeliest first: of two that fit the same columns the earlier one is taken.
_BY_COLUMNS: tuple[tuple[str, NamedTemplate], ...] = (
    ("qa", NAMED["qa"]),
    ("instruction", _INSTRUCTION),
    ("summary", NAMED["summary"]),
    ("code", NAMED["code"]),
    ("chat", NAMED["chat"]),
)


def resolve_template(template: str, columns: Sequence[str], wanted: WantedRoles) -> PromptTemplate:
    """Return the template for the columns of a data set; raises ConfigError or InputError where it does not fit."""
    named = NAMED.get(template)
    if named is None:
        if wanted.prompt_columns:
            raise InputError(f"--template {template!r} names its columns itself: leave --prompt-column out")
        return user_template(template, columns, wanted.completion_column)
    chosen = dict(zip(reversed(named.prompts), reversed(wanted.prompt_columns), strict=False))
    if len(wanted.prompt_columns) > len(named.prompts):
        raise InputError(
            f"--template {template} has {len(named.prompts)} --prompt-column at most, not {len(wanted.prompt_columns)}"
        )
    if wanted.completion_column is not None:
        chosen[named.completion] = wanted.completion_column
    for name in (*named.prompts, named.completion):
        column = chosen.get(name) or find([c for c in columns if c not in chosen.values()], SYNONYMS[name])
        if column is not None:
            chosen[name] = column
        elif name != named.optional:
            option = "--completion-column" if name == named.completion else "--prompt-column"
            raise InputError(
                f"--template {template} needs a column for {name}: choose one of {', '.join(columns)} with {option}"
            )
    return _filled(template, named, chosen)


def default_template(roles: Roles) -> PromptTemplate:
    """Return the template that goes with the names of the columns, else the prompt as it is."""
    completion = roles.completion or ""
    for name, named in _BY_COLUMNS:
        chosen = {field: find(roles.prompts, SYNONYMS[field][:3]) for field in named.prompts}
        chosen[named.completion] = find([completion], SYNONYMS[named.completion])
        needed = {field: column for field, column in chosen.items() if column is not None}
        lacks = set(chosen) - set(needed) - {named.optional}
        if not lacks and set(needed.values()) == {*roles.prompts, completion}:
            return _filled(name, named, needed)
    return plain_template(roles.prompts, completion)


def _filled(name: str, named: NamedTemplate, chosen: Mapping[str, str]) -> PromptTemplate:
    """Return the template with columns in place of its fields."""
    lacks = named.optional is not None and named.optional not in chosen
    template = named.format_without if lacks else named.format
    for field in (*named.prompts, named.completion):
        if field in chosen:
            template = template.replace(f"{{{field}}}", f"\0{field}\0")
    for field, column in chosen.items():
        template = template.replace(f"\0{field}\0", f"{{{column}}}")
    return PromptTemplate(template=template, completion_column=chosen[named.completion], name=name)
