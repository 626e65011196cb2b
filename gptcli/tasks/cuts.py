"""Count what was cut or left out, so that it is said once at the end, of all processes together."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gptcli.tasks.events import Cut, Notice, Place
from gptcli.tasks.sharing import Share

BLANK = "texts of white space only, labelled as they are"
"""What is no cut, and is likelier a slip than a text."""


class Cuts:
    """What was done, how often, and to which row first."""

    def __init__(self) -> None:
        self._cuts: dict[str, Cut] = {}

    def count(self, what: str, place: Place) -> None:
        """Count a cut and remember where the first one was."""
        known = self._cuts.get(what)
        self._cuts[what] = replace(known, times=known.times + 1) if known else Cut(what=what, times=1, first=place)

    def notices(self) -> Iterator[Notice]:
        """Yield a sentence for each kind of cut that was made."""
        return map(_told, self._cuts.values())


def summed(share: Share, notices: Iterable[Notice]) -> Iterator[Notice]:
    """Yield notices with the cuts of all processes added up, in the main one; the others yield none.

    What is no cut is a matter of the run, and the main process's own is told.
    """
    mine = list(notices)
    gathered = share.gathered([notice.cut for notice in mine if notice.cut is not None])
    if gathered is None:
        return
    cuts = [cut for of_process in gathered for cut in of_process]
    if share.world > 1:  # a lone one's are in the order in which they were made
        cuts.sort(key=lambda cut: cut.first.row)
    yield from (notice for notice in mine if notice.cut is None)
    alike: dict[str, Cut] = {}
    for cut in cuts:
        first = alike.get(cut.what)
        alike[cut.what] = replace(first, times=first.times + cut.times) if first else cut
    yield from map(_told, alike.values())


def _told(cut: Cut) -> Notice:
    return Notice(text=f"{cut.what}: {cut.times} (first: {cut.first.origin})", cut=cut)
