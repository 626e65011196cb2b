"""Tell what a column holds from a sample of its values: text, labels, numbers."""

import math
from collections.abc import Sequence
from typing import Literal

ColumnKind = Literal["text", "label", "other"]

MOST_LABELS = 100
LONGEST_LABEL = 40
_SHORTEST_TEXT_WORDS = 3


def kind_of_column(values: Sequence[object]) -> ColumnKind:
    """Return text for mostly different values of several words, label for few, repeated, short ones."""
    if is_label_like(values):
        return "label"
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    if not texts or len(texts) * 2 < len(values):
        return "other"
    words = sum(text.count(" ") + 1 for text in texts) / len(texts)
    return "text" if words >= _SHORTEST_TEXT_WORDS and len(set(texts)) * 2 > len(texts) else "other"


def is_label_like(values: Sequence[object]) -> bool:
    """Return whether the values are short and few, at least two, and each stands twice on average."""
    keys = [_key(value) for value in values if value is not None and value != ""]
    if not keys or any(key is None or len(key) > LONGEST_LABEL for key in keys):
        return False
    different = set(keys)
    return 2 <= len(different) <= MOST_LABELS and 2 * len(different) <= len(keys)


def holds_decimals(values: Sequence[object]) -> bool:
    """Return whether all values are numbers and some have a part behind the point, as scores have and ids have not."""
    try:
        numbers = [float(str(value)) for value in values if value is not None and value != ""]
    except ValueError:
        return False
    return any(math.isfinite(number) and not number.is_integer() for number in numbers)


def _key(value: object) -> str | None:
    """Return a value as text where it may be a label."""
    if isinstance(value, str | bool | int):
        return str(value)
    if isinstance(value, float):
        return str(value) if value.is_integer() else None
    if isinstance(value, list | tuple) and all(isinstance(member, str | int) for member in value):
        return ",".join(map(str, value))
    return None
