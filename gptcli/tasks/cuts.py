"""Count what was cut or left out, so that it is said once at the end, of all processes together."""

from collections import Counter
from collections.abc import Iterable, Iterator

from gptcli.tasks.sharing import Share


class Cut(str):
    """A sentence about rows that knows its parts."""

    what: str
    times: int
    first: str

    def __new__(cls, what: str, times: int, first: str) -> "Cut":
        """Say what was done, how often, and to which row first, as file:line."""
        self = super().__new__(cls, f"{what}: {times} (first: {first})")
        self.what, self.times, self.first = what, times, first
        return self


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
            yield Cut(text, count, self._first[text])


def summed(share: Share, notices: Iterable[str]) -> Iterator[str]:
    """Yield notices with the cuts of all processes added up, in the main one; the others yield none.

    What is no cut is a matter of the run, and the main process's own is told.
    """
    mine = list(notices)
    gathered = share.gathered([(cut.what, cut.times, cut.first) for cut in mine if isinstance(cut, Cut)])
    if gathered is None:
        return
    cuts = [Cut(*parts) for of_process in gathered for parts in of_process]
    if share.world > 1:  # a lone one's are in the order in which they were made
        cuts.sort(key=_line)
    yield from (notice for notice in mine if not isinstance(notice, Cut))
    for what in dict.fromkeys(cut.what for cut in cuts):
        alike = [cut for cut in cuts if cut.what == what]
        yield Cut(what, sum(cut.times for cut in alike), alike[0].first)


def _line(cut: Cut) -> int:
    """Return the line of a cut's first row, with which its origin ends."""
    return int(cut.first.rpartition(":")[2])
