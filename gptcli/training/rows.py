"""The rows that a model is tuned on: read, split into train and validation, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from gptcli.data.labels import LabelSet
from gptcli.data.roles import Roles
from gptcli.data.templates import PromptTemplate

LabelValue = int | tuple[int, ...] | float
"""A class, the classes of a multi-label row (sorted), or a regression's target."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as text; positional, because there may be millions."""

    text: str
    """The document, the text to label, or the prompt with its template filled in."""
    completion: str | None
    label: LabelValue | None
    source: int
    """Index into RowSet.sources."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """All rows of a run and what was seen while they were read."""

    roles: Roles
    labels: LabelSet | None
    template: PromptTemplate | None
    train: Sequence[Row]
    validation: Sequence[Row]
    sources: tuple[str, ...]
    digest: str
    """Of the rows and their split: a resumed run must have the same."""
    rows_read: int
    unreadable: int
    """Rows that could not be read or lack a value; each was told."""
    empty: int
    duplicates: int
    """Training rows that stand in the training rows before."""
    leaked: int
    """Validation rows that also stand among the training rows."""

    def origin(self, row: Row) -> str:
        """Return the place of a row as file:line."""
        return f"{self.sources[row.source]}:{row.line}"
