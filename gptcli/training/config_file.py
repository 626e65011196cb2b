"""training.toml: the resolved options of a run, written so that they read back as the same values."""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gptcli.data.atomic import write_atomically
from gptcli.errors import ConfigError, OutputError

FILE_NAME = "training.toml"

Scalar = str | int | float | bool
Value = Scalar | Sequence[Scalar]
Tables = Mapping[str, Mapping[str, Value | None]]
"""Options by the table and their name."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def render(tables: Mapping[str, Mapping[str, Value | None]], *, command: str = "finetune") -> str:
    """Return the text of a file that repeats a command; None is left out, for TOML has no word for it.

    Raises ConfigError for a number that is not finite and for text that is no Unicode.
    """
    parts = [f"# Every option of this run. To repeat it: gptcli {command} --config {FILE_NAME}\n"]
    for table, options in tables.items():
        parts.append(f"\n[{_key(table)}]\n")
        for name, value in options.items():
            if value is not None:
                parts.append(f"{_key(name)} = {_value(value, f'[{table}] {name}')}\n")
    return "".join(parts)


def write(path: Path, tables: Mapping[str, Mapping[str, Value | None]], *, command: str = "finetune") -> None:
    """Write the file, whole or not at all; raises ConfigError as render does, OutputError where it cannot."""
    data = render(tables, command=command).encode()
    try:
        write_atomically(str(path), data)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path) -> dict[str, dict[str, Value]]:
    """Return the tables of a file; raises ConfigError, with the line where it is known."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--config {path} cannot be read: {error.strerror}") from error
    try:
        document = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8; save it as UTF-8") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply; give tables of plain options") from error
    except ValueError as error:  # TOMLDecodeError, and a number of too many digits
        raise ConfigError(f"{path}{_complaint(str(error), data)}") from error
    for table, options in document.items():
        _check_table(path, table, options)
    return document


def _complaint(message: str, data: bytes) -> str:
    """Return tomllib's message with its line in front."""
    place = _PLACE.search(message)
    if place is None:
        return f": {message}"
    line = place[1] or str(data.rstrip(b"\n").count(b"\n") + 1)
    return f":{line}: is not TOML: {message[: place.start()]}"


def _check_table(path: Path, table: str, options: object) -> None:
    """Raise ConfigError for what no option can be."""
    if not isinstance(options, dict):
        raise ConfigError(f"{path}: {table} stands in no table; put it under one, [training] for instance")
    for name, value in options.items():
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, Scalar):
                raise ConfigError(
                    f"{path}: [{table}] {name} is a {_kind(item)}; give text, a number, true, false or a list of them"
                )
            if isinstance(item, float) and not math.isfinite(item):
                raise ConfigError(f"{path}: [{table}] {name} must be a finite number, not {item}")


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "table"
    return "list" if isinstance(value, list) else type(value).__name__


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name, name)


def _value(value: Value, place: str) -> str:
    if isinstance(value, Scalar):
        return _scalar(value, place)
    return f"[{', '.join(_scalar(item, place) for item in value)}]"


def _scalar(value: Scalar, place: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value, place)
        case float() if not math.isfinite(value):
            raise ConfigError(f"{place} must be a finite number, not {value}")
        case _:
            return repr(value)


def _text(value: str, place: str) -> str:
    """Return a basic string in which everything that does not print is escaped."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{place}: {value!r} holds bytes that are no UTF-8; rename it") from error
    return '"' + "".join(map(_character, value)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
