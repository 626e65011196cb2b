"""A row of input: its columns as they came and the place it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row; columns keep their order and values, so that the row can be written back as it was."""

    source: str
    """The file's name as the user gave it, "standard input", or "argument"."""
    line: int
    """Line of the file at which the row begins, from 1; for arguments their number."""
    columns: Mapping[str, object] = field(default_factory=dict)
    error: str | None = None
    """Why this row could not be read; None when it could."""

    @property
    def origin(self) -> str:
        """Return the place as file:line."""
        return f"{self.source}:{self.line}"
