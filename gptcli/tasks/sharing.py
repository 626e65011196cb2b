"""Share the rows of a task among the processes of a run: which are this one's, and what they put together.

All processes run the same task on the same input, and so say and ask for the same things in the same order.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

MEETING_PLACE = "GPTCLI_MEETING"
"""The environment's name of the directory where processes meet that gptcli itself has started."""

T = TypeVar("T")


class Link(Protocol):
    """The way to another process: what is sent at one end is received at the other, in order."""

    def send(self, value: object) -> None:
        """Send a value that has a form in JSON, arrays and the dataclasses of a task among them."""

    def receive(self) -> object:
        """Wait for the next value; raises what ended the other process, and DeviceError where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One process's part of the rows; by default there is one process, and all rows are its own."""

    rank: int = 0
    world: int = 1
    links: tuple[Link, ...] = ()
    """Of the main process to all others, in their order; of another to the main process alone."""

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def mine(self, number: int) -> bool:
        """Return whether a row, or a part of one, is to be done here; number counts all of them from 0."""
        return number % self.world == self.rank

    def gathered(self, value: T) -> list[T] | None:
        """Return the values of all processes in the order of their ranks; None in all but the main one."""
        if not self.is_main:
            self.links[0].send(value)
            return None
        return [value, *(cast(T, link.receive()) for link in self.links)]

    def told_by_main(self, value: T) -> T:
        """Return the main process's value in all of them; what the others give is not looked at."""
        if not self.is_main:
            return cast(T, self.links[0].receive())
        for link in self.links:
            link.send(value)
        return value


ALONE = Share()
"""The only process of a run."""
