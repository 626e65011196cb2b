"""Read which ending of a question is right: its number from 0, its letter, its label, or its own text."""

import re
from collections.abc import Sequence
from string import ascii_uppercase

from gptcli.data.columns import kind_of
from gptcli.data.labels import name_of
from gptcli.errors import InputError

_NUMBER = re.compile(r"-?\d{1,18}")


def answer_number(cell: object, endings: Sequence[str], labels: Sequence[str] | None, column: str) -> int:
    """Return the number of the right ending, from 0.

    Raises InputError, whose message goes behind the row's origin, for no answer, one that is out of range, and one
    that means two endings: the letter of one that is the text of another.
    """
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        raise InputError(f"has no answer in column {column}: rows of a test set have none, use those for validation")
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise InputError(f"holds {kind_of(cell)} in column {column}, not an answer")
    name = name_of(cell)
    if labels is not None:
        return _labelled(name, labels)
    readings = _numbers(name, len(endings))
    texts = [ending.strip() for ending in endings]
    if isinstance(cell, str) and name in texts:
        readings.add(texts.index(name))
    if len(readings) > 1:
        raise InputError(f"has the answer {name!r}, which is one ending's text and another's place: give its number")
    if not readings:
        raise InputError(f"has the answer {name[:40]!r}, none of its {len(endings)} endings, counted from 0")
    return readings.pop()


def _labelled(name: str, labels: Sequence[str]) -> int:
    """Return the number of the ending that is called so."""
    names = [label.strip() for label in labels]
    if name not in names:
        raise InputError(f"has the answer {name[:40]!r}, none of its endings' labels {', '.join(names)}")
    return names.index(name)


def _numbers(name: str, endings: int) -> set[int]:
    """Return the place that a number or a letter stands for, if there is such an ending."""
    if _NUMBER.fullmatch(name):
        place = int(name)
    elif len(name) == 1 and name.upper() in ascii_uppercase:
        place = ascii_uppercase.index(name.upper())
    else:
        return set()
    return {place} if 0 <= place < endings else set()
