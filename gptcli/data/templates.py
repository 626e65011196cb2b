"""Prompt templates: how a row's columns become a prompt and the completion that is learned.

The boundary: white space at the end of the prompt goes to the front of the completion, and where there is none a
space does. A byte-level BPE always parts text before white space, so prompt and completion may be tokenized apart
and give the tokens that they give as one text; and a space in front of a word is how GPT-2 knows words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gptcli.data.column_names import SYNONYMS, find
from gptcli.data.columns import value_text
from gptcli.errors import ConfigError, InputError

_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
WHITE = " \t\n\r\f\v"

Segment = tuple[str, str | None]
"""Literal text and the column whose value follows it; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTemplate:
    """A format string over column names whose last field is the completion; what follows that is a stop text."""

    template: str
    completion_column: str
    name: str | None = None
    """Of a named template."""
    _segments: tuple[Segment, ...] = field(init=False, repr=False, compare=False)
    lead: str = field(init=False, repr=False, compare=False)
    """White space between prompt and completion; it is the completion's."""
    stop: str = field(init=False, repr=False, compare=False)
    """What stands behind every completion and ends it."""

    def __post_init__(self) -> None:
        segments = tuple(segments_of(self.template))
        places = [number for number, (_, column) in enumerate(segments) if column == self.completion_column]
        if places != [len(segments) - 2]:
            raise ConfigError(
                f"--template must have the completion {{{self.completion_column}}} once, as its last field"
            )
        before = segments[-2][0]
        stripped = before.rstrip(WHITE)
        object.__setattr__(self, "_segments", (*segments[:-2], (stripped, None)))
        object.__setattr__(self, "lead", before[len(stripped) :])
        object.__setattr__(self, "stop", segments[-1][0])

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the columns that a prompt needs."""
        return tuple(dict.fromkeys(column for _, column in self._segments if column is not None))

    def prompt(self, columns: Mapping[str, object]) -> str:
        """Return a row's prompt; raises InputError, to go behind the row's origin, where a column has no text."""
        parts: list[str] = []
        for literal, column in self._segments:
            parts.append(literal)
            if column is not None:
                parts.append(value_text(columns, column))
        return "".join(parts).rstrip().lstrip("\n")

    def completion(self, columns: Mapping[str, object]) -> str:
        """Return a row's completion with the white space that parts it from the prompt, and the stop text."""
        text = value_text(columns, self.completion_column)
        lead = self.lead or ("" if text[:1] in WHITE else " ")
        return f"{lead}{text}{self.stop}"

    def field_of(self, prompt: str) -> str | None:
        """Return the text that a prompt was made of; None where a prompt needs several columns."""
        if len(self._segments) != 2 or self._segments[0][1] is None:
            return None
        return prompt.removeprefix(self._segments[0][0].lstrip("\n")).removesuffix(self._segments[1][0])

    def to_json(self) -> dict[str, str | None]:
        """Return what from_json takes, in types that JSON has."""
        return {"name": self.name, "template": self.template, "completion": self.completion_column}

    @classmethod
    def from_json(cls, saved: object) -> "PromptTemplate":
        """Return a template that was saved with a model; raises ConfigError where it makes no sense."""
        if isinstance(saved, dict):
            name, template, completion = (saved.get(key) for key in ("name", "template", "completion"))
            if isinstance(template, str) and isinstance(completion, str) and (name is None or isinstance(name, str)):
                return cls(template=template, completion_column=completion, name=name)
        raise ConfigError("the template saved with the model is damaged: give another with --template")


def user_template(template: str, columns: Sequence[str], completion: str | None) -> PromptTemplate:
    """Return a user's format string; the completion is the column given, one known by its name, or the last field.

    A completion that is not in the string comes behind it.
    """
    names = [column for _, column in segments_of(template) if column is not None]
    for name in names:
        if name not in columns:
            _refuse_field(name)
            raise InputError(f"--template: no column {name}: the columns are {', '.join(columns)}")
    if not names:
        raise ConfigError("--template names no column: write {NAME} where a row's text goes")
    completion = completion or _implied_completion(names, columns)
    _refuse_braces(completion)
    return PromptTemplate(
        template=template if completion in names else f"{template}{{{completion}}}", completion_column=completion
    )


def plain_template(prompts: Sequence[str], completion: str) -> PromptTemplate:
    """Return the template of a prompt as it is; several columns are parted by a line end."""
    for column in (*prompts, completion):
        _refuse_braces(column)
    joined = "\n".join(f"{{{column}}}" for column in prompts)
    return PromptTemplate(template=f"{joined}{{{completion}}}", completion_column=completion)


def _implied_completion(names: Sequence[str], columns: Sequence[str]) -> str:
    """Return the completion of a template where no option names it."""
    known = find([column for column in columns if column == names[-1]], _COMPLETIONS)
    known = known or find([column for column in columns if column not in names], _COMPLETIONS)
    if known is not None:
        return known
    if len(set(names)) > 1:
        return names[-1]
    raise InputError(f"which column is the completion? Set --completion-column to one of {', '.join(columns)}")


_COMPLETIONS = tuple(
    name for key in ("completion", "answer", "summary", "assistant", "target") for name in SYNONYMS[key]
)


def segments_of(template: str) -> Iterator[Segment]:
    """Yield the parts of a format string; the last has no column. Raises ConfigError for a brace that is no field."""
    literal = ""
    end = 0
    for part in _PARTS.finditer(template):
        literal += template[end : part.start()]
        end = part.end()
        if part[0] in ("{{", "}}"):
            literal += part[0][0]
        elif part[1] is None:
            raise ConfigError(f"--template has a lone {part[0]}: write {part[0]}{part[0]} for the character itself")
        elif not part[1]:
            raise ConfigError("--template has {} without a column: write {NAME}")
        else:
            yield literal, part[1]
            literal = ""
    yield literal + template[end:], None


def _refuse_field(name: str) -> None:
    """Raise ConfigError for what Python's format strings can do beyond naming a column."""
    if re.search(r"[.\[\]!:]", name):
        raise ConfigError(f"--template: {{{name}}} is more than a column's name: only {{NAME}} is allowed")


def _refuse_braces(column: str) -> None:
    if "{" in column or "}" in column:
        raise InputError(f"column {column} cannot stand in a template because of its braces: rename it")
