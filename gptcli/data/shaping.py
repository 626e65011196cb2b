"""Take what is learned from a row's values: a text, perhaps a completion, perhaps a label."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gptcli.data.columns import value_text
from gptcli.data.labels import LabelColumn
from gptcli.data.roles import Roles
from gptcli.data.sources import Values
from gptcli.data.templates import PromptTemplate
from gptcli.data.utf8 import bad_byte
from gptcli.errors import InputError

Keys = Mapping[str, Any]
"""Where a row's values have each column: at an index under a header, else at the column's own name."""
Shaped = tuple[str, str | None, int]
"""The text or prompt, the completion, and the code of the label (0 where there is none)."""
Shape = Callable[[Values], Shaped]
"""Raises InputError where a value is no text or no label, and KeyError where a column is absent."""


def keys_of(columns: Sequence[str] | None, roles: Roles) -> Keys:
    """Return where the columns that are learned from stand; raises InputError where the header lacks one."""
    if columns is None:
        return {name: name for name in roles.columns}
    for name in roles.columns:
        if name not in columns:
            raise InputError(f"no column {name}, which the first file has: the columns are {', '.join(columns)}")
    return {name: columns.index(name) for name in roles.columns}


def shape_of(keys: Keys, roles: Roles, labels: LabelColumn, template: PromptTemplate | None) -> Shape:
    """Return the function that takes what the task learns from."""
    if template is not None:
        return _completing(keys, template)
    text = roles.text or ""
    return _reading(keys, text) if roles.label is None else _classifying(keys, text, roles.label, labels)


def complaint(failure: Exception, values: Values, keys: Keys) -> str:
    """Say why a row has nothing to learn from; a byte that is not UTF-8 explains all else."""
    if isinstance(failure, KeyError):
        return f"has no column {failure.args[0]}: it has {', '.join(map(str, values)) or 'none'}"
    for name, key in keys.items():
        value = values[key]
        found = bad_byte(value, 1) if isinstance(value, str) else None
        if found is not None:
            return f"{found} of column {name}"
    return "holds half of a surrogate pair, which is not text" if isinstance(failure, UnicodeError) else str(failure)


def _reading(keys: Keys, text: str) -> Shape:
    at = keys[text]

    def read(values: Values) -> Shaped:
        value = values[at]
        return value if type(value) is str else value_text({text: value}, text), None, 0

    return read


def _classifying(keys: Keys, text: str, label: str, labels: LabelColumn) -> Shape:
    at, label_at, code = keys[text], keys[label], labels.code

    def classify(values: Values) -> Shaped:
        value = values[at]
        return value if type(value) is str else value_text({text: value}, text), None, code(values[label_at])

    return classify


def _completing(keys: Keys, template: PromptTemplate) -> Shape:
    def complete(values: Values) -> Shaped:
        columns = {name: values[key] for name, key in keys.items()}
        prompt = template.prompt(columns)
        if not value_text(columns, template.completion_column).strip():
            return "", None, 0  # an empty row
        return prompt, template.completion(columns), 0

    return complete
