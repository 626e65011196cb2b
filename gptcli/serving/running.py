"""Run an application until somebody asks it to stop, and bring it to its end: no new requests, then no old ones."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from gptcli.serving.drain import Drain, shutting_down
from gptcli.serving.parting import PARTING_SECONDS
from gptcli.serving.request_head import protocol_with_head_timeout
from gptcli.serving.state import ServerState

BREAKING_OFF_SECONDS = 1
"""How long requests that were given their time have to notice that it is over."""
KEEP_ALIVE_SECONDS = 5
"""How long a connection may stay without a request, as uvicorn has it."""
MOST_MILLISECONDS = 2**31 - 1
"""What a socket's option holds, a C int: 25 days."""


def run_server(
    app: FastAPI,
    sockets: Sequence[socket.socket],
    times_stopped: Callable[[], int],
    on_stop: Callable[[], None],
) -> bool:
    """Answer requests until somebody asks to stop and those that run are answered; return whether all of them were.

    times_stopped says how often that was asked: at the second time those that run are broken off. on_stop is called
    when the end begins. Raises what a signal handler raises, at once.
    """
    state: ServerState = app.state.server
    _drop_dead_readers(sockets, state.settings.timeout_seconds)
    server = _Server(app, times_stopped, on_stop)
    server.run(sockets=list(sockets))
    return server.all_answered


class _Server(uvicorn.Server):
    """uvicorn, which is asked to stop and does not take signals itself."""

    def __init__(self, app: FastAPI, times_stopped: Callable[[], int], on_stop: Callable[[], None]) -> None:
        state: ServerState = app.state.server
        config = uvicorn.Config(
            app,
            loop="asyncio",  # this and h11: the same server whatever else is installed
            http=protocol_with_head_timeout(state.settings.timeout_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # gptcli.serving.metrics tells of requests, with how long they took
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=BREAKING_OFF_SECONDS,
        )
        super().__init__(config)
        self._drain: Drain = state.drain
        self._models = state.models
        self._drain_seconds = state.settings.drain_seconds
        self._times_stopped = times_stopped
        self._on_stop = on_stop
        self._draining: asyncio.Task[bool] | None = None

    @property
    def all_answered(self) -> bool:
        """Return whether no request was broken off."""
        draining = self._draining
        return draining is not None and draining.done() and not draining.cancelled() and draining.result()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end, ten times a second; while requests run, /health still says that it is ending."""
        if self._draining is None and self._times_stopped():
            self._drain.begin()
            self._on_stop()
            self._draining = asyncio.create_task(self._drain.wait(self._drain_seconds))
        # At a later tick also where it was asked twice before this one: perhaps no request runs.
        elif self._draining is not None and (self._draining.done() or self._times_stopped() > 1):
            self._draining.cancel()  # nothing happens to one that is done
            if not self.all_answered:
                self._models.give_up(shutting_down())
            return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does, and leave those who were broken off the time to read why."""
        await super().shutdown(sockets)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * PARTING_SECONDS):
                while self.server_state.connections:
                    await asyncio.sleep(0.02)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the command line."""
        yield


def _drop_dead_readers(sockets: Sequence[socket.socket], seconds: float) -> None:
    """Have the system close connections of clients that have not read for so long; those taken here inherit it.

    uvicorn closes a connection only once what it has written is read, and a client may never do that.
    """
    if sys.platform == "linux":
        for listening in sockets:
            milliseconds = int(min(1000 * seconds, MOST_MILLISECONDS))
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
