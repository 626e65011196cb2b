"""Few-shot examples: which labelled rows a model reads before each text, and in what order."""

import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gptcli.data.columns import value_text
from gptcli.data.labels import name_of
from gptcli.data.roles import Roles, WantedRoles, choose_roles
from gptcli.data.sources import SAMPLE_ROWS, Source, SourceRow, columns_of, open_source
from gptcli.errors import InputError

MOST_MISSED = 16
"""Examples that had no room before the window counts as full: all of a large file need not be tokenized to see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A labelled text."""

    text: str
    label: str
    """A label's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFile:
    """The rows of a file that may be examples."""

    shots: tuple[Shot, ...]
    details: tuple[str, ...]
    """What was chosen and why, and what was left out."""


def read_shots(path: str, names: Sequence[str]) -> ShotFile:
    """Return the examples of a file, of those with the same text the first; its columns are found as finetune does.

    Raises InputError for a file that cannot be read, a row that cannot, and a label that is none of the names.
    """
    with open_source(path, io.BytesIO()) as source:
        read = list(source.rows)  # to its end before one of them can be refused
        roles = _roles(source, read[:SAMPLE_ROWS])
        shots: dict[str, Shot] = {}
        rows = 0
        for shot in _shots(source, read, roles, names):
            shots.setdefault(shot.text.strip(), shot)
            rows += 1
        details = [*source.notices, f"examples of {path}: {roles.reason}"]
    if rows > len(shots):
        details.append(f"{path}: examples with the text of an earlier one, left out: {rows - len(shots):,}")
    return ShotFile(shots=tuple(shots.values()), details=tuple(details))


def balanced(shots: Sequence[Shot], seed: int) -> list[Shot]:
    """Return the examples so that any number of them from the beginning has each label as often, as far as they go.

    The order within a label, and which label comes first, are settled by the seed.
    """
    draw = random.Random(seed)
    by_label: dict[str, list[Shot]] = {}
    for shot in shots:
        by_label.setdefault(shot.label, []).append(shot)
    names = sorted(by_label)  # not in the order of the options: it must not matter
    draw.shuffle(names)
    for name in names:
        draw.shuffle(by_label[name])
    most = max(map(len, by_label.values()), default=0)
    return [by_label[name][turn] for turn in range(most) for name in names if turn < len(by_label[name])]


def fitting(shots: Sequence[Shot], cost: Callable[[Shot], int], *, room: int, most: int | None) -> list[Shot]:
    """Return the first examples that have room together, at most so many; one that has none is passed over."""
    chosen: list[Shot] = []
    missed = 0
    for shot in shots:
        if len(chosen) == most or missed == MOST_MISSED:
            break
        tokens = cost(shot)
        if tokens <= room:
            chosen.append(shot)
            room -= tokens
        else:
            missed += 1
    return chosen


def shuffled(shots: Sequence[Shot], seed: int) -> list[Shot]:
    """Return the examples in the order in which they are read: in turns, a model would learn to answer in turns."""
    order = list(shots)
    random.Random(seed).shuffle(order)
    return order


def _roles(source: Source, start: Sequence[SourceRow]) -> Roles:
    """Return which columns are text and label; raises InputError where that is in doubt."""
    columns, sample = columns_of(source, start)
    try:
        return choose_roles(columns, sample, WantedRoles(task="classify"))
    except InputError as error:
        raise InputError(
            f"{source.name}: which columns of the examples are text and label is in doubt: call them text and label;"
            f" they are {', '.join(columns)}"
        ) from error


def _shots(source: Source, rows: Sequence[SourceRow], roles: Roles, names: Sequence[str]) -> Iterator[Shot]:
    """Yield each row that has a text; raises InputError for the first that cannot be an example."""
    for line, values, error in rows:
        try:
            if error is not None:
                raise InputError(error)
            columns = source.named(values)
            shot = Shot(text=value_text(columns, roles.text or ""), label=name_of(columns.get(roles.label or "")))
            if shot.label not in names:
                raise InputError(f"has the label {shot.label}, which is none of {', '.join(names)}")
        except InputError as complaint:
            raise InputError(f"{source.name}:{line}: {complaint}") from complaint
        yield shot
