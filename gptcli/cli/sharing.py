"""Do the work of a command that goes through rows: in this process, in several that it starts, or as one of several."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from gptcli.cli.console import Console
from gptcli.cli.launching import LOST
from gptcli.cli.ranks import as_rank, rank_of, refuse_other_world, start, world_of
from gptcli.engine.neighbours import local_world
from gptcli.errors import ConfigError, DeviceError
from gptcli.tasks.sharing import ALONE, MEETING_PLACE, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWork:
    """A command's work, of which every process does its share."""

    work: Callable[[Console, Share], None]
    stdin: Callable[[Console], BinaryIO | None]
    """Returns standard input if rows are read from it; raises ConfigError for rows that can be read only once."""
    num_processes: int | None
    """As asked for; None leaves it to the launcher, if there is one."""

    def __call__(self, console: Console) -> None:
        """Do it; raises ConfigError, DeviceError where another process is lost, and what the work raises."""
        environment = console.environment
        refuse_other_world(environment, self.num_processes)
        rank = rank_of(environment)
        if rank is None and (self.num_processes or 1) > 1:
            start(console, self.num_processes or 1, self.stdin(console), killed=DeviceError)
        elif rank is None or world_of(environment) == 1:
            self.work(console, ALONE)
        else:
            with as_rank(environment):
                self._do_share(console, rank)

    def _do_share(self, console: Console, rank: int) -> None:
        """Do this process's share; the main one alone says anything but what went wrong here."""
        from gptcli.tasks.meeting import EndedError, LostError, joined

        environment = console.environment
        world = world_of(environment)
        ours = MEETING_PLACE in environment
        if not ours:
            self._refuse_launcher(console, world)
        try:
            with joined(environment, rank=rank, world=world) as share:
                self.work(replace(console, quiet=True, verbose=False) if rank else console, share)
        except EndedError:
            return
        except LostError as error:
            if not ours:
                raise
            leaving = SystemExit(LOST)
            for note in getattr(error, "__notes__", ()):
                leaving.add_note(note)
            raise leaving from error

    def _refuse_launcher(self, console: Console, world: int) -> None:
        """Raise ConfigError for what another launcher's processes cannot do."""
        if self.stdin(console) is not None:
            raise ConfigError(
                "the processes of another launcher cannot share standard input: "
                f"give -i FILE, or start gptcli itself with --num-processes {world}"
            )
        here = local_world(console.environment)
        if here not in (None, world):
            raise ConfigError(
                f"rows are shared among the processes of one machine, and {here} of {world} are on this one: "
                "give each machine a part of the rows"
            )
