"""Show labels one by one to people: how each fared, and which was taken for which."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptcli.cli.console import one_line
from gptcli.cli.units import aligned, width
from gptcli.tasks.evaluate_events import ModelReport

MOST_LABELS = 40
"""Of a table; --json has all."""
_LONGEST_NAME = 24
_TRUE = "true, down; given, across"


def label_blocks(model: ModelReport, room: int, *, named: bool) -> Iterator[list[str]]:
    """Yield a table of the labels, and the confusion matrix where it is no wider than the room.

    named: say whose they are, since there are several models.
    """
    classes: Mapping[str, Mapping[str, Any]] | None = model.details.get("classes")  # type: ignore[assignment]
    if classes is None:
        return
    head = [f"{one_line(model.name)}:"] if named else []
    yield head + _of_each(classes)
    confusion: Sequence[Sequence[int]] | None = model.details.get("confusion")  # type: ignore[assignment]
    if confusion is None or len(classes) > MOST_LABELS:
        return
    names = list(map(_shown, classes))
    counts = [[f"{count:,}" for count in row] for row in confusion]
    lines = aligned([[_TRUE, *names], *([name, *row] for name, row in zip(names, counts, strict=True))])
    if max(map(width, lines)) <= room:
        yield head + lines


def _of_each(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [["", "precision", "recall", "F1", "rows"]]
    for name, score in list(classes.items())[:MOST_LABELS]:
        shares = (f"{score[share]:.4f}" for share in ("precision", "recall", "f1"))
        rows.append([_shown(name), *shares, f"{score['support']:,}"])
    lines = aligned(rows)
    rest = len(classes) - MOST_LABELS
    return [*lines, f"and {rest:,} labels more, which --json has"] if rest > 0 else lines


def _shown(name: str) -> str:
    """Return a label on one line, cut where it is long."""
    line = one_line(name)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
