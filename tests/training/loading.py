"""Load rows in tests: options by their names, and what was told beside what was read."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.training.rows import Row, RowSet, load_rows

Write = Callable[[str, bytes], Path]


def load(*paths: Path | str, stdin: bytes = b"", **options: Any) -> tuple[RowSet, list[str]]:
    """Return the rows of files and the warnings."""
    wanted = {name: options.pop(name) for name in list(options) if name in WantedRoles.__dataclass_fields__}
    data = DataOptions(paths=tuple(map(str, paths)), wanted=WantedRoles(**wanted), **options)
    loading = load_rows(data, io.BytesIO(stdin))
    told: list[str] = []
    while True:
        try:
            told.append(next(loading))
        except StopIteration as end:
            return end.value, told


def in_order(rows: RowSet) -> list[Row]:
    """Return the rows of both sides as they were read."""
    return sorted([*rows.train, *rows.validation], key=lambda row: (row.source, row.line))
