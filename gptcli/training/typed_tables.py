"""Check the tables of a file against a layout: every table and key is known, every value has its type."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from gptcli.errors import ConfigError

Layout = Mapping[str, Mapping[str, Any]]
"""The type of each option, by table and key."""
Tables = Mapping[str, Mapping[str, Any]]
"""Values of those types, by table and key."""

NONE = "none"
"""How a file says None where that is no text."""


def check_tables(place: str, tables: Mapping[str, Mapping[str, object]], layout: Layout) -> Tables:
    """Return the values as their types have them; raises ConfigError that names the place, the table and the key."""
    checked: dict[str, dict[str, Any]] = {}
    for table, options in tables.items():
        if table not in layout:
            raise ConfigError(f"{place}: unknown table [{table}]: {_nearest(table, layout)}")
        checked[table] = {}
        for name, value in options.items():
            if name not in layout[table]:
                raise ConfigError(f"{place}: [{table}] has no option {name}: {_nearest(name, layout[table])}")
            wanted = layout[table][name]
            try:
                checked[table][name] = _fitted(value, wanted)
            except ValueError:
                raise ConfigError(f"{place}: [{table}] {name} must be {_told(wanted)}, not {_shown(value)}") from None
    return checked


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"{near[0]} perhaps?" if near else f"there are {', '.join(known)}"


def _fitted(value: object, wanted: Any) -> Any:
    """Return a value as a type has it: 3 as 3.0, a list as a tuple; raises ValueError where it has another type."""
    kind, parts = get_origin(wanted), get_args(wanted)
    if kind in (Union, UnionType):
        for part in parts:
            try:
                return _fitted(value, part)
            except ValueError:
                continue
    elif kind is Literal:
        if isinstance(value, str) and value in parts:
            return value
    elif kind is tuple:
        if isinstance(value, list):
            return tuple(_fitted(item, parts[0]) for item in value)
    elif wanted is NoneType:
        if value == NONE:
            return None
    elif wanted is float:
        # TOML tells 3 from 3.0, people do not; true is an int to Python alone.
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif type(value) is wanted:
        return value
    raise ValueError(value)


def _told(wanted: Any) -> str:
    """Return a type in words."""
    kind, parts = get_origin(wanted), get_args(wanted)
    if kind in (Union, UnionType):
        text = str in parts
        return " or ".join(_told(part) for part in parts if not (text and part is NoneType))
    if kind is Literal:
        return f"one of {', '.join(parts)}" if len(parts) > 1 else str(parts[0])
    if kind is tuple:
        return f"a list, each {_told(parts[0])}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: NONE}[wanted]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
