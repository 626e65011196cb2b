"""Make the prompts that a model reads out of rows: a column's text as it is, or a template filled in.

A template's field takes the column of its name. One field may have none: it takes the column that --column names,
else prompt or text, which is how a plain text is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gptcli.data.column_names import SYNONYMS, find
from gptcli.data.columns import choose_column, text_of
from gptcli.data.named_templates import NAMED
from gptcli.data.records import Record
from gptcli.data.templates import PromptTemplate
from gptcli.errors import ConfigError, InputError

AS_IT_IS = "none"
"""The --template that leaves a text alone."""
_TEXT = ("prompt", "text")
_COMPLETION = "completion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """A template and the column that each of its fields takes; without a template the one column is the prompt."""

    template: PromptTemplate | None
    columns: Mapping[str, str]

    def prompt(self, record: Record) -> str:
        """Return a row's prompt; raises InputError, whose message goes behind the row's origin, for no text."""
        texts = {name: text_of(record, column) for name, column in self.columns.items()}
        return "".join(texts.values()) if self.template is None else self.template.prompt(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompter:
    """How rows become prompts, before it is known which columns they have."""

    templates: tuple[PromptTemplate, ...] = ()
    """The first whose fields, but for the last one, all have columns is filled in; none leaves a text as it is."""
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Other names that a field's column may have."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Return the text that stands behind every completion, where the template has one."""
        return tuple(template.stop for template in self.templates[:1] if template.stop)

    def filling(self, columns: Sequence[str], wanted: str | None) -> Filling:
        """Return what fills in the rows with these columns, of which --column wants one.

        Raises InputError where a field has no column, and ConfigError where the wanted column has no field.
        """
        if not self.templates:
            return Filling(template=None, columns={_TEXT[0]: choose_column(columns, wanted, _TEXT)})
        own = {name: column for name in self.templates[0].fields if (column := self._own(name, columns)) is not None}
        template = next((one for one in self.templates if own.keys() >= set(one.fields[:-1])), self.templates[-1])
        fields = template.fields
        if not fields:
            raise ConfigError("the template has no field for a text: give --template none, and all of the prompt")
        taken = {name: own[name] for name in fields if name in own and not (wanted and len(fields) == 1)}
        left = [name for name in fields if name not in taken]
        if len(left) > 1:
            raise _lacking(fields, columns)
        if wanted is not None and not left:
            raise ConfigError(f"--column {wanted}: the template takes {' and '.join(fields)} by their names already")
        for name in left:
            taken[name] = _only(name, [column for column in columns if column not in taken.values()], wanted)
        return Filling(template=template, columns={name: taken[name] for name in fields})

    def _own(self, name: str, columns: Sequence[str]) -> str | None:
        """Return the column of a field's name, in any case, or of one that means the same."""
        if name in columns:
            return name
        return find(columns, (name.strip().casefold(), *self.synonyms.get(name, ())))


def prompter(template: str) -> Prompter:
    """Return what --template asks for: a named one, a format string that is the prompt, or none."""
    if template == AS_IT_IS:
        return Prompter()
    named = NAMED.get(template)
    if named is not None:
        formats = (named.format, named.format_without) if named.optional else (named.format,)
        return Prompter(
            templates=tuple(
                PromptTemplate(template=text, completion_column=named.completion, name=template) for text in formats
            ),
            synonyms=SYNONYMS,
        )
    if "{" not in template:
        raise ConfigError(
            f"--template {template} is none of {', '.join(NAMED)} and {AS_IT_IS}, and no format either: "
            "write {NAME} where a column's text goes"
        )
    mark = f"{{{_COMPLETION}}}"
    return Prompter(
        templates=(
            PromptTemplate(
                template=template if mark in template else f"{template}{mark}", completion_column=_COMPLETION
            ),
        )
    )


def _only(name: str, columns: Sequence[str], wanted: str | None) -> str:
    """Return the column of the one field that has none of its name; raises InputError."""
    try:
        return choose_column(columns, wanted, (name, *_TEXT))
    except InputError as error:
        raise InputError(f"{error}, or --template {AS_IT_IS}") from error


def _lacking(fields: Sequence[str], columns: Sequence[str]) -> InputError:
    """Return the error of rows, or of a plain text, that a template has too many fields for."""
    return InputError(
        f"the template needs the columns {' and '.join(fields)}, and there is only {', '.join(columns)}: give rows "
        f"that have them with -i FILE, or --template {AS_IT_IS} to continue a text as it is"
    )
