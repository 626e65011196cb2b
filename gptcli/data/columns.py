"""Choose the column that holds the text, and take the text from a row."""

import shlex
from collections.abc import Mapping, Sequence

from gptcli.data.records import Record
from gptcli.errors import InputError

PROMPT_COLUMNS = ("prompt", "text")
"""Columns that are taken for the prompt where none was named, in this order."""
TEXT_COLUMNS = ("text", "prompt")
"""The same for a text to label."""
_MANY_WORDS = 6
"""Questionnaires have long names for columns; beyond that a sentence stands where a name should."""


def choose_column(columns: Sequence[str], wanted: str | None, defaults: Sequence[str] = PROMPT_COLUMNS) -> str:
    """Return the wanted column, or the first default that is there in any case; never guess."""
    if wanted is not None:
        if wanted in columns:
            return wanted
        raise InputError(_no_column(shlex.quote(wanted), columns))
    for default in defaults:
        if default in columns:
            return default
    folded = {column.casefold(): column for column in reversed(columns)}
    for default in defaults:
        if default.casefold() in folded:
            return folded[default.casefold()]
    raise InputError(_no_column(" or ".join(defaults), columns))


def _no_column(wanted: str, columns: Sequence[str]) -> str:
    """Say which columns there are, or that the first row of the file is data and names none."""
    if any(len(column.split()) >= _MANY_WORDS for column in columns):
        return (
            f"no column {wanted}: the first line looks like a row, not a header: put a line of column names above it,"
            " and choose one of them with --column NAME"
        )
    return f"no column {wanted}: choose one of {', '.join(columns)} with --column NAME"


def text_of(record: Record, column: str) -> str:
    """Return the row's text; a number is the text that Python writes for it.

    Raises InputError, whose message goes behind the row's origin, when the row is bad or holds no text there.
    """
    if record.error is not None:
        raise InputError(record.error)
    return value_text(record.columns, column)


def value_text(columns: Mapping[str, object], column: str) -> str:
    """Return the text of one column; raises InputError, whose message goes behind the row's origin, for no text."""
    if column not in columns:
        raise InputError(f"has no column {column}: it has {', '.join(columns) or 'none'}")
    value = columns[column]
    if value is None or value != value:  # NaN is how some tools write a missing value
        raise InputError(f"has no value in column {column}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"holds {kind_of(value)} in column {column}, not text")
    text = str(value)
    if not _is_encodable(text):
        raise InputError(f"holds half of a surrogate pair in column {column}, which is not text")
    return text


def kind_of(value: object) -> str:
    """Name the kind of a value in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "an array"
    return f"a {type(value).__name__}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
