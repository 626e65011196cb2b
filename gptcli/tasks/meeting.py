"""Join the processes of a run on this machine: a socket of the main one, in a directory that only its user may enter.

What goes through it is JSON with its length in front. The standard library alone: torch's own ways cost 1.3 s.
"""

import hashlib
import os
import socket
import stat
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from gptcli.engine.read_ahead import ReadAhead
from gptcli.errors import ConfigError, DeviceError, ExitCode, GptcliError
from gptcli.tasks.rank_values import packed, unpacked
from gptcli.tasks.sharing import MEETING_PLACE, Share

_RUN = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT")
"""What the processes of another launcher have in common, and no others."""
MEETING_SECONDS = 120.0
"""How long the last process may take to start once the first has."""
LOOK_SECONDS = 0.01
INBOX_BYTES = 8_000_000
"""What another process may be ahead: enough that none waits for another's batch, and little memory."""
_SOCKET = "socket"
_NUMBER = struct.Struct(">Q")


class EndedError(Exception):
    """The main process has ended, and said all there is to say."""


class LostError(DeviceError):
    """Another process has ended without a word."""


class SocketLink:
    """A connection to another process."""

    def __init__(self, connection: socket.socket, inbox: ReadAhead[bytes], gone: Exception) -> None:
        """Send through the connection, and receive what is read ahead from it; raise gone once nobody is there."""
        self._connection = connection
        self._inbox = inbox
        self._gone = gone

    def send(self, value: object) -> None:
        """Send a value; waits for room."""
        self._send({"value": value})

    def receive(self) -> object:
        """Wait for the next value; raises what the other process raised, or gone."""
        for data in self._inbox.take(wait=True):
            found = unpacked(data)
            if isinstance(found, dict) and "code" in found:
                error = GptcliError(found["message"])
                error.exit_code = ExitCode(found["code"])
                raise error
            return found["value"] if isinstance(found, dict) else None
        raise self._gone

    def fail(self, error: GptcliError) -> None:
        """Let the other process raise an error of this one."""
        with suppress(EndedError):
            self._send({"code": int(error.exit_code), "message": str(error)})

    def _send(self, found: dict[str, object]) -> None:
        data = packed(found)
        try:
            self._connection.sendall(_NUMBER.pack(len(data)) + data)
        except OSError as error:
            raise self._gone from error


@contextmanager
def joined(environment: Mapping[str, str], *, rank: int, world: int) -> Iterator[Share]:
    """Give this process's share once all are there; an error of ours in another process is raised in the main one too.

    Raises ConfigError where they do not meet; inside, LostError in the main process where another has ended without a
    word, and EndedError in another where the main one has ended.
    """
    until = time.monotonic() + MEETING_SECONDS
    place = _place(environment)
    with ExitStack() as stack:
        if rank == 0:
            connections = _accepted(place, world, until)
            links = tuple(_link(stack, connections[number], _lost(number, world)) for number in range(1, world))
        else:
            links = (_link(stack, _connected(place, rank, world, until), EndedError()),)
        try:
            yield Share(rank=rank, world=world, links=links)
        except GptcliError as error:
            if rank:
                links[0].fail(error)
            raise


def _place(environment: Mapping[str, str]) -> Path:
    """Return the directory where the processes of this run find each other, and those of no other run."""
    if MEETING_PLACE in environment:
        return Path(environment[MEETING_PLACE])
    run = "\n".join(environment.get(name, "") for name in _RUN)
    return Path(tempfile.gettempdir(), f"gptcli-{os.getuid()}-{hashlib.sha256(run.encode()).hexdigest()[:16]}")


def _accepted(place: Path, world: int, until: float) -> dict[int, socket.socket]:
    """Wait for all others in the main process, and return the connections to them by their ranks."""
    connections: dict[int, socket.socket] = {}
    place.mkdir(mode=0o700, exist_ok=True)
    _refuse_foreign(place)
    path = place / _SOCKET
    path.unlink(missing_ok=True)  # of a run that was killed while it waited
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        try:
            listener.bind(str(path))
        except OSError as error:
            raise _no_socket(path, error) from error
        try:
            listener.listen(world)
            while len(connections) < world - 1:
                listener.settimeout(max(until - time.monotonic(), LOOK_SECONDS))
                connection, _ = listener.accept()
                greeting = connection.recv(_NUMBER.size, socket.MSG_WAITALL)
                if len(greeting) < _NUMBER.size:  # it was killed in the middle
                    connection.close()
                else:
                    connections[_NUMBER.unpack(greeting)[0]] = connection
        except TimeoutError as error:
            for connection in connections.values():
                connection.close()
            absent = min(set(range(1, world)) - connections.keys())
            raise _absent(absent, world) from error
        finally:
            path.unlink()
            with suppress(OSError):
                place.rmdir()
    return connections


def _connected(place: Path, rank: int, world: int, until: float) -> socket.socket:
    """Return the connection to the main process, which may have yet to come."""
    while True:
        try:
            return _introduced(place, rank)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if time.monotonic() > until:
                raise _absent(0, world) from error
            time.sleep(LOOK_SECONDS)


def _introduced(place: Path, rank: int) -> socket.socket:
    """Return the connection to the main process, which is told who this is."""
    connection = socket.socket(socket.AF_UNIX)
    path = place / _SOCKET
    try:
        _refuse_foreign(place)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise
        except OSError as error:  # as of a path that is too long
            raise _no_socket(path, error) from error
        connection.sendall(_NUMBER.pack(rank))
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(place: Path) -> None:
    """Raise ConfigError for a directory of somebody else's, who waits for this run."""
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ConfigError(f"{place} is not this user's alone: remove it, or set TMPDIR to a directory of yours")


def _no_socket(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"no socket can be made at {path}: {error}; set TMPDIR to another directory")


def _absent(number: int, world: int) -> ConfigError:
    return ConfigError(f"process {number} of {world} has not come: unset RANK and WORLD_SIZE if this is the only one")


def _lost(number: int, world: int) -> LostError:
    return LostError(f"process {number} of {world} has ended: see why, and if memory ran out lower --batch-size")


def _link(stack: ExitStack, connection: socket.socket, gone: Exception) -> SocketLink:
    """Return the link of a connection, which ends with the stack."""
    stack.callback(connection.close)
    stack.callback(_shut, connection)
    return SocketLink(connection, stack.enter_context(ReadAhead(_read(connection), INBOX_BYTES, len)), gone)


def _shut(connection: socket.socket) -> None:
    """Let both ends see the end: the thread that reads here keeps the connection open otherwise."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket) -> Iterator[bytes]:
    """Yield what comes, value by value, up to the end of the other process, which may come in the middle of one."""
    with connection.makefile("rb") as stream, suppress(ConnectionError):
        while len(head := stream.read(_NUMBER.size)) == _NUMBER.size:
            (size,) = _NUMBER.unpack(head)
            data = stream.read(size)
            if len(data) < size:
                return
            yield data
