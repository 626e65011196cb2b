"""The labels of a data set: the classes in an order that never changes, and the value that a model learns."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gptcli.data.columns import kind_of
from gptcli.errors import InputError

LabelKind = Literal["single", "multi", "regression"]
LabelValue = int | tuple[int, ...] | float
"""A class, the classes of a multi-label row (sorted), or a regression's target."""

_INTEGER = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """The classes, integers by their value and all else by its characters; a regression has none."""

    kind: LabelKind
    names: tuple[str, ...]
    separator: str | None = None
    """What parts the labels of a cell."""
    _ids: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: number for number, name in enumerate(self.names)})

    @property
    def id2label(self) -> dict[int, str]:
        """Return the names by their number, as a model's configuration has them."""
        return dict(enumerate(self.names))

    @property
    def label2id(self) -> dict[str, int]:
        """Return the numbers by their name."""
        return dict(self._ids)

    def value(self, raw: object) -> LabelValue:
        """Return what the model learns for a cell; raises InputError for no label and for one not in the set."""
        if self.kind == "regression":
            return number_of(raw)
        names = names_of(raw, self.separator)
        ids = tuple(sorted({self._id(name) for name in names}))
        if self.kind == "multi":
            return ids
        if len(ids) != 1:
            raise InputError("holds a list where the other rows hold one label")
        return ids[0]

    def _id(self, name: str) -> int:
        if name not in self._ids:
            raise InputError(f"has the label {name}, which no training row has")
        return self._ids[name]


class LabelColumn:
    """The labels of all rows while they are read: each different cell is kept once, under a code."""

    def __init__(self, *, regression: bool = False, separator: str | None = None) -> None:
        self._regression = regression
        self._separator = separator
        self._codes: dict[object, int] = {}
        self._names: tuple[set[str], set[str]] = (set(), set())  # as text, as numbers
        self.raw: list[str | float | tuple[str, ...]] = []
        """The cell that each code stands for."""

    def code(self, cell: object) -> int:
        """Return the code of a cell; raises InputError, to go behind the row's origin, where it holds no label."""
        if type(cell) is str:
            known = self._codes.get(cell)
            if known is not None:
                return known
        code = self._add(self._normal(cell))
        if type(cell) is str:
            self._codes[cell] = code
        return code

    @property
    def mixed(self) -> bool:
        """Return whether a label came as a number and also as text."""
        return not self._names[0].isdisjoint(self._names[1])

    def label_set(self, codes: Iterable[int]) -> LabelSet:
        """Return the classes that these codes hold between them."""
        if self._regression:
            return LabelSet(kind="regression", names=())
        cells = [self.raw[code] for code in codes]
        multi = self._separator is not None or any(isinstance(cell, tuple) for cell in cells)
        names = {name for cell in cells for name in (cell if isinstance(cell, tuple) else (str(cell),))}
        return LabelSet(kind="multi" if multi else "single", names=_ordered(names), separator=self._separator)

    def _normal(self, cell: object) -> str | float | tuple[str, ...]:
        """Return a cell so that two of the same meaning are equal."""
        if self._regression:
            return number_of(cell)
        if isinstance(cell, list | tuple) or self._separator is not None:
            return tuple(sorted(set(names_of(cell, self._separator))))
        name = name_of(cell)
        self._names[not isinstance(cell, str)].add(name)
        return name

    def _add(self, normal: str | float | tuple[str, ...]) -> int:
        key = (type(normal), normal)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.raw)
            self.raw.append(normal)
        return code


def names_of(raw: object, separator: str | None) -> tuple[str, ...]:
    """Return the labels of a cell; an empty list is a row of no label."""
    if isinstance(raw, list | tuple):
        return tuple(name_of(member) for member in raw)
    if separator is None:
        return (name_of(raw),)
    names = tuple(part.strip() for part in name_of(raw).split(separator))
    return tuple(name for name in names if name)


def name_of(raw: object) -> str:
    """Return the name of a label, the same for the number 1, 1.0 and the text 1; raises InputError for no label."""
    if isinstance(raw, str):
        name = raw.strip()
        if name:
            return name
    elif isinstance(raw, bool):
        return "true" if raw else "false"
    elif isinstance(raw, int):
        return str(raw)
    elif isinstance(raw, float) and math.isfinite(raw):
        return str(int(raw)) if raw.is_integer() else str(raw)
    if raw is None or isinstance(raw, str | float):
        raise InputError("has no label")
    raise InputError(f"holds {kind_of(raw)} for a label")


def _has_decimal_comma(cell: str) -> bool:
    """Return whether a cell is a number as spreadsheets of half the world write it."""
    whole, comma, part = cell.strip().partition(",")
    return bool(comma) and whole.lstrip("+-").isdigit() and part.isdigit()


def number_of(raw: object) -> float:
    """Return the target of a regression; raises InputError where it is no finite number."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise InputError("has no label")
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        try:
            number = float(raw)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        remedy = ": write a point for its comma" if isinstance(raw, str) and _has_decimal_comma(raw) else ""
        raise InputError(f"has the label {str(raw)[:40]}, which is not a number{remedy}")
    raise InputError(f"holds {kind_of(raw)} for a label, not a number")


def _ordered(names: set[str]) -> tuple[str, ...]:
    if all(_INTEGER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))
