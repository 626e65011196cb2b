"""Run a server from its models' opening to its end: listen, answer, and drain when a signal asks it to end."""

import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import FrameType

import uvicorn

from gptcli.engine.options import ModelOptions
from gptcli.serving.app import make_app
from gptcli.serving.drain import shutting_down
from gptcli.serving.listening import listen, port_of, url
from gptcli.serving.opening import open_models
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings
from gptcli.serving.state import ServerState
from gptcli.tasks.events import Notice, Stage

KEEP_ALIVE_SECONDS = 30
"""How long a connection may be idle: a page's next request should find it open."""
CLOSING_SECONDS = 2
"""How long connections may take to close once all is answered or given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The server takes requests from now on."""

    url: str
    """Of the page, for a browser on this machine."""


ServeEvent = Stage | Notice | Listening


def serve(
    names: Sequence[str | None], options: ModelOptions, settings: ServeSettings
) -> Generator[ServeEvent, None, None]:
    """Open models and serve them; yield what happens until then, the last event being Listening.

    Ends by SIGINT or SIGTERM, whose former handlers are called behind the drain. Raises ConfigError for an address that
    cannot be had, before any model is opened, and ModelError or DeviceError.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(one) for one in listen(settings.host, settings.port)]
        models = stack.enter_context(closing((yield from open_models(names, options, settings))))
        server = Server(settings, models)
        yield Listening(url=url(settings.host, port_of(sockets)))
        server.run(sockets)


class Server(uvicorn.Server):
    """Uvicorn, with an end of its own: what runs is finished, and new requests are told 503, until the time is up."""

    def __init__(self, settings: ServeSettings, models: Models) -> None:
        app = make_app(settings, models)
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=CLOSING_SECONDS,
            )
        )
        self._state: ServerState = app.state.server

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on some sockets until a signal comes."""
        _drop_dead_readers(sockets or (), self._state.settings.timeout_seconds)
        super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, and end at once at the second."""
        self._captured_signals.append(sig)
        if self._state.drain.has_begun:
            self.should_exit = self.force_exit = True
        self._state.drain.begin(self._state.settings.drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Return whether to close all connections, ten times a second."""
        drain = self._state.drain
        if drain.is_late:
            self._state.models.give_up(shutting_down())
        if drain.is_done or drain.is_late:
            self.should_exit = True
        return await super().on_tick(counter)


def _drop_dead_readers(sockets: Sequence[socket.socket], seconds: float) -> None:
    """Have the system close connections of clients that have not read for so long; those taken here inherit it.

    Uvicorn closes a connection only once what it has written is read, and a client may never do that.
    """
    if sys.platform == "linux":
        for listening in sockets:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * seconds))
