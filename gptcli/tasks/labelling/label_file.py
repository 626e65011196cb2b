"""Read labels and their descriptions from a file: a line or a row each, or a JSON object of names and descriptions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from gptcli.data.column_names import LABEL, find
from gptcli.data.columns import value_text
from gptcli.data.compression import inner_suffix
from gptcli.data.contents import open_content
from gptcli.data.sources import Source, SourceRow, rows_of
from gptcli.data.utf8 import decoded
from gptcli.errors import InputError
from gptcli.tasks.labelling.options import LabelText

_NAMES = (*LABEL, "name")
_DESCRIPTIONS = ("description", "text", "meaning", "words")


def read_labels_file(path: str) -> tuple[LabelText, ...]:
    """Return the labels in the order of the file; raises InputError where it cannot be read.

    Plain text has a label a line, and a description may stand behind a tab; a table whose header has no column label is
    the same. Other tables and JSON rows may have a column description. A .json file may be an object.
    """
    with open_content(path) as content:
        if inner_suffix(path) == ".json":
            with decoded(content.binary) as text:
                return tuple(_of_json(path, text.read()))
        with rows_of(content, lines=True) as source:
            rows = list(source.rows)  # read to its end before one of them can be refused
            return tuple(_of_rows(source, rows))


def _of_json(path: str, text: str) -> Iterator[LabelText]:
    """Yield the labels of an object of names and descriptions, or of an array of names or objects."""
    try:
        found = json.loads(text, object_pairs_hook=partial(_each_once, path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
        yield from (_label(name, description) for name, description in found.items())
        return
    for number, item in enumerate(found if isinstance(found, list) else [found], start=1):
        if isinstance(item, str):
            yield _label(item, None)
        elif isinstance(item, dict):
            yield _of_columns(f"{path}: label {number}", item)
        else:
            raise InputError(f"{path}: label {number} is neither a name nor an object with label and description")


def _each_once(path: str, pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; raises InputError for a name that it has twice, of which JSON keeps the last."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{path}: has {name} more than once: leave one of them out")
        found[name] = value
    return found


def _of_rows(source: Source, rows: Sequence[SourceRow]) -> Iterator[LabelText]:
    """Yield the label of each row that is not blank."""
    if source.columns is not None and find(source.columns, (*_NAMES, "column 1")) is None:
        yield _of_columns(f"{source.name}:1", dict(zip(source.columns, source.columns, strict=True)))
    for line, values, error in rows:
        origin = f"{source.name}:{line}"
        if error is not None:
            raise InputError(f"{origin}: {error}")
        columns = source.named(values)
        if not source.text:
            yield _of_columns(origin, columns)
        elif (text := value_text(columns, "text")).strip():
            name, tab, description = text.partition("\t")
            yield _label(name, description if tab else None)


def _of_columns(origin: str, columns: Mapping[str, object]) -> LabelText:
    """Return the label of a row with named columns."""
    names = list(columns)
    named = find(names, _NAMES) or next(iter(names), None)
    if named is None:
        raise InputError(f"{origin}: is empty: give a label, and a description if it needs one")
    others = [name for name in names if name != named]
    described = find(others, _DESCRIPTIONS) or next(iter(others), None)
    try:
        description = None if described is None or columns[described] is None else value_text(columns, described)
        return _label(value_text(columns, named), description)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from error


def _label(name: str, description: str | None) -> LabelText:
    """Return a label; one whose description is empty goes by its name."""
    described = (description or "").strip()
    return LabelText(name=name.strip(), text=described or name.strip())
