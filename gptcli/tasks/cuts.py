"""Count what was cut or left out, so that it is said once at the end."""

from collections import Counter
from collections.abc import Iterator


class Cuts:
    """Sentences, how often each was true, and where first."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def count(self, text: str, origin: str) -> None:
        """Count a cut and remember where the first one was."""
        self._counts[text] += 1
        self._first.setdefault(text, origin)

    def notices(self) -> Iterator[str]:
        """Yield a sentence for each kind of cut that was made."""
        for text, count in self._counts.items():
            yield f"{text}: {count} (first: {self._first[text]})"
