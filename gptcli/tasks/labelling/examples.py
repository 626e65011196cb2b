"""Few-shot examples: which labelled rows a model reads before each text, and in what order."""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

from gptcli.data.gathering import Gatherer, RowColumns
from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError, InputError


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
    """Return the examples of a file, of rows with the same text the first; its columns are found as finetune does.

    Raises InputError for a file that cannot be read, a row that cannot, and a label that is none of the names.
    """
    wanted = WantedRoles(task="classify")
    gatherer = Gatherer(DataOptions(paths=(path,), wanted=wanted), io.BytesIO())
    rows = RowColumns()
    try:
        details = list(gatherer.gather([path], rows))
    except ConfigError as error:
        raise InputError(f"{path}: {error}") from error
    if gatherer.complaints:
        raise InputError(f"{gatherer.complaints[0]}; the rows of --examples must be whole")
    shots: dict[str, Shot] = {}
    for text, code, line in zip(rows.texts, rows.codes, rows.lines, strict=True):
        label = gatherer.labels.raw[code]
        if label not in names:
            told = " and ".join(label) if isinstance(label, tuple) else label
            raise InputError(f"{path}:{line}: has the label {told}, which is none of {', '.join(names)}")
        shots.setdefault(text.strip(), Shot(text=text, label=str(label)))
    if gatherer.roles is not None:
        details.append(f"examples of {path}: {gatherer.roles.reason}")
    left_out = len(rows.texts) - len(shots)
    if left_out:
        details.append(f"{path}: examples with the text of an earlier one, left out: {left_out}")
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


def shuffled(shots: Sequence[Shot], seed: int) -> list[Shot]:
    """Return the examples in the order in which they are read: in turns, a model would learn to answer in turns."""
    order = list(shots)
    random.Random(seed).shuffle(order)
    return order
