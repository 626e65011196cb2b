"""Groups of options as dataclasses: declared once, taken by any command, parsed by Typer."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, TypeVar, cast, get_type_hints

import typer
from typer.core import TyperCommand

from gptcli.cli.console import Console
from gptcli.cli.options import CommonFlags

Work = Callable[[Console], None]
"""What a parsed command does; it runs after Typer is done, so that only main decides how the process ends."""

T = TypeVar("T")

KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A parsed command line: what to do, and how much to say about it."""

    work: Work
    common: CommonFlags


class SectionedCommand(TyperCommand):
    """A command whose help lists its options under the titles that they were declared with."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each title, in order of declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                title = getattr(parameter, "rich_help_panel", None) or "Options"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def flat(function: Callable[..., T]) -> Callable[..., T]:
    """Give function the signature that Typer reads: each dataclass parameter is replaced by its fields.

    So is a field that is a dataclass itself. A field that several have, of the same type and default, is one parameter,
    and all of them get its value.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    groups = {name: hints[name] for name in parameters if is_dataclass(hints[name])}

    def parsed(**values: Any) -> T:
        taken = {name: values[name] for name in parameters if name not in groups}
        return function(**taken, **{name: _made(group, values) for name, group in groups.items()})

    flattened: dict[str, inspect.Parameter] = {}
    for name, parameter in parameters.items():
        for found in _of_group(groups[name]) if name in groups else [parameter.replace(kind=KEYWORD)]:
            if flattened.setdefault(found.name, found) != found:
                raise TypeError(f"{found.name} is declared twice, and not alike")
    parsed.__signature__ = inspect.Signature(list(flattened.values()))  # type: ignore[attr-defined]
    parsed.__doc__ = function.__doc__
    parsed.__name__ = function.__name__
    return parsed


def _made(group: type[Any], values: Mapping[str, Any]) -> Any:
    """Return a group with its values, and the groups in it with theirs."""
    hints = get_type_hints(group)
    return group(
        **{
            field.name: _made(hints[field.name], values) if is_dataclass(hints[field.name]) else values[field.name]
            for field in fields(group)
        }
    )


def _of_group(group: type[Any]) -> Iterator[inspect.Parameter]:
    """Yield a keyword-only parameter for each field of a dataclass, and for those of the groups in it."""
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        hint = hints[field.name]
        if is_dataclass(hint):
            yield from _of_group(cast(type[Any], hint))
        else:
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            yield inspect.Parameter(field.name, KEYWORD, annotation=hint, default=default)


def given(context: typer.Context) -> frozenset[str]:
    """Return the names of the parameters that stand on the command line, whatever their values."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


def spelled_out(context: typer.Context) -> dict[str, str]:
    """Return the parameters that stand on the command line, in its order of declaration, each as it is spelled."""
    names = given(context)
    return {
        str(parameter.name): max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name in names
    }
