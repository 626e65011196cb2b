"""What --overflow takes away of the rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Rows that are longer than a sequence; by default there are none."""

    rows: int = 0
    tokens: int = 0
    """Those of them that are never learned."""
    estimated: bool = False
    """Whether both are found from a part of the rows."""

    def told(self, count: int) -> str:
        """Return one of the two as text."""
        return f"about {count:,}" if self.estimated else f"{count:,}"
