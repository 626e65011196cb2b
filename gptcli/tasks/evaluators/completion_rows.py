"""From the rows of a data set to prompts and what should follow them, by the template that goes with the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.template import read_template
from gptcli.data.column_names import find
from gptcli.data.columns import value_text
from gptcli.data.named_templates import NAMED, default_template, resolve_template
from gptcli.data.prompts import AS_IT_IS, Filling, Prompter
from gptcli.data.records import Record
from gptcli.data.roles import Roles, WantedRoles
from gptcli.data.templates import PromptTemplate, plain_template
from gptcli.errors import InputError
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.events import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row's prompt, and what should follow it."""

    index: int
    place: Place
    prompt: str
    references: tuple[str, ...]
    """Any of them is right; there is one at least."""
    continuations: tuple[str, ...]
    """The same with the white space that parts them from the prompt."""


class CompletionRows:
    """The prompts and references of one model."""

    def __init__(self, template: PromptTemplate, filling: Filling, completion: str) -> None:
        self.template = template
        self._filling = filling
        self._completion = completion

    def of(self, index: int, record: Record) -> Asked | None:
        """Return what a row asks, None where it has no reference; raises InputError where it asks nothing."""
        if record.error is not None:
            raise InputError(record.error)
        references = self._references(record)
        if not references:
            return None
        return Asked(
            index=index,
            place=Place(row=index, origin=record.origin),
            prompt=self._filling.prompt(record),
            references=references,
            continuations=tuple(map(self._continuation, references)),
        )

    def _references(self, record: Record) -> tuple[str, ...]:
        """Return the texts of the completion's column: one, or a list of them."""
        value = record.columns.get(self._completion)
        members: Sequence[object] = value if isinstance(value, list | tuple) else (value,)
        told = [member for member in members if member is not None and member == member]  # NaN is a missing value
        texts = [value_text({self._completion: member}, self._completion) for member in told]
        return tuple(text for text in texts if text.strip())

    def _continuation(self, reference: str) -> str:
        column = self.template.completion_column
        return self.template.completion({column: reference}).removesuffix(self.template.stop)


def completion_rows(located: Located, template: str | None, roles: MeasuredRoles) -> tuple[CompletionRows, str]:
    """Return how rows are put to a model, and who chose so; raises InputError, ConfigError or ModelError.

    The template is the one asked for, else the one saved with the model, else the one that goes with the columns.
    """
    completion = roles.completion or ""
    saved = None if template is not None else read_template(located.directory)
    if saved is not None:
        return CompletionRows(saved, _filling_of_saved(saved, roles, located.name), completion), "saved with the model"
    chosen, why = (_of_columns(roles), "by the columns") if template is None else (_asked(template, roles), "as asked")
    filling = Filling(template=chosen, columns={name: name for name in chosen.fields})
    return CompletionRows(chosen, filling, completion), why


def _asked(template: str, roles: MeasuredRoles) -> PromptTemplate:
    """Return what --template asks for, over the columns of the data."""
    if template == AS_IT_IS:
        return plain_template(roles.prompts, roles.completion or "")
    named = NAMED.get(template)
    # A named template finds its columns by their names; those that were chosen take its fields where the number fits.
    fits = named is not None and len(roles.prompts) == len(named.prompts)
    wanted = WantedRoles(prompt_columns=roles.prompts if fits else (), completion_column=roles.completion)
    return resolve_template(template, roles.columns, wanted)


def _of_columns(roles: MeasuredRoles) -> PromptTemplate:
    """Return the template that `finetune` would choose."""
    return default_template(
        Roles(task="complete", prompts=roles.prompts, completion=roles.completion, reason=roles.reason)
    )


def _filling_of_saved(template: PromptTemplate, roles: MeasuredRoles, model: str) -> Filling:
    """Return the columns of a saved template's fields: those of their names, for one that has none the prompt's."""
    lacking = [name for name in template.fields if find(roles.columns, (name.strip().casefold(),)) is None]
    try:
        return Prompter(templates=(template,)).filling(roles.columns, roles.prompts[-1] if len(lacking) == 1 else None)
    except InputError as error:
        raise InputError(
            f"the template saved with {model} needs columns called {' and '.join(template.fields)}, and there are"
            f" {', '.join(roles.columns)}: rename them, or give another with --template"
        ) from error
