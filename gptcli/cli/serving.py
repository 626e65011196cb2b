"""What gptcli serve does once its options are read."""

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gptcli.cli.console import Console
from gptcli.cli.flags import Work
from gptcli.cli.opening import opened
from gptcli.cli.serve_options import AccessFlags, LoadFlags, ServedModelFlags, settings_of
from gptcli.cli.signals import StopRequest
from gptcli.data.words import counted
from gptcli.engine.options import ModelOptions
from gptcli.errors import MissingExtraError
from gptcli.serving.settings import ServeSettings

if TYPE_CHECKING:
    import socket

    from gptcli.serving.served import Models

PACKAGES = ("fastapi", "uvicorn", "prometheus_client")
LOGGERS = ("gptcli.serving", "uvicorn")


def prepare(model: ServedModelFlags, access: AccessFlags, load: LoadFlags, given: frozenset[str]) -> Work:
    """Return the work, its options checked; raises ConfigError, and MissingExtraError where the extra is absent."""
    options, settings = model.options(), settings_of(access, load)
    if not all(map(find_spec, PACKAGES)):
        raise MissingExtraError('serve needs FastAPI and uvicorn: pip install "gptcli[serve]"')
    return partial(
        run, names=tuple(model.models or ()), options=options, settings=settings, shows_key="api_key" in given
    )


def run(
    console: Console, *, names: Sequence[str | None], options: ModelOptions, settings: ServeSettings, shows_key: bool
) -> None:
    """Serve until a signal comes, and raise what it would have raised; raises ConfigError, ModelError, DeviceError."""
    from gptcli.serving.app import make_app
    from gptcli.serving.listening import listen, port_of
    from gptcli.serving.running import run_server

    with ExitStack() as held:
        sockets = listen(settings.host, settings.port)
        for one in sockets:
            held.enter_context(one)
        settings = replace(settings, port=port_of(sockets))
        _warn(console, settings, sockets, shows_key=shows_key)
        names = names or (console.environment.get("GPTCLI_MODEL") or None,)
        models = held.enter_context(closing(_opened(console, names, options, settings)))
        held.enter_context(_logging(console))
        stop = StopRequest(raises_at=3)  # the second ends the requests, and lets their clients know
        held.enter_context(stop.listening())
        for line in _ready(settings, [model.id for model in models.all]):
            console.tell(line)
        all_answered = run_server(
            make_app(settings, models), sockets, lambda: stop.times, partial(_tell_end, console, settings)
        )
    if not all_answered:
        after = "" if stop.times > 1 else f" after {counted(settings.drain_seconds, 'second')}"
        console.warn(f"requests that still ran{after} were broken off")
    raise stop.error()


def _opened(console: Console, names: Sequence[str | None], options: ModelOptions, settings: ServeSettings) -> "Models":
    """Return the models, open, while a live line shows how that goes."""
    from gptcli.serving.opening import open_models

    return opened(console, open_models(names, options, settings))


def _warn(console: Console, settings: ServeSettings, sockets: "Sequence[socket.socket]", *, shows_key: bool) -> None:
    """Warn of what lets in more people than may be meant."""
    from gptcli.serving.listening import is_local

    if shows_key:
        console.warn("other users of this machine can see --api-key: set GPTCLI_API_KEY instead")
    if settings.api_key is None and not is_local(sockets):
        console.warn("everybody who reaches this machine may use the server: set GPTCLI_API_KEY to ask for a key")
    if settings.api_key is None and "*" in settings.cors:
        console.warn("any page that is open in a browser here may use the server: name the site with --cors ORIGIN")


def _ready(settings: ServeSettings, names: Sequence[str]) -> Iterator[str]:
    """Say where the server is, and how to stop it."""
    from gptcli.serving.listening import is_everywhere, url
    from gptcli.serving.security import own_names

    place = url(settings.host, settings.port)
    yield f"serving {', '.join(names)} at {place} (open it in a browser; Ctrl-C stops)"
    if is_everywhere(settings.host):
        yield f"other machines reach it at {url(own_names()[0], settings.port)}"


def _tell_end(console: Console, settings: ServeSettings) -> None:
    console.tell(
        f"stopping: what runs may finish within {counted(settings.drain_seconds, 'second')}; "
        "a second Ctrl-C or SIGTERM ends it at once"
    )


@contextmanager
def _logging(console: Console) -> Iterator[None]:
    """Have what the server logs told as the story, and nothing of it anywhere else."""
    handler = Story(console)
    wants_place = "--traceback" in console.arguments
    level = logging.DEBUG if wants_place else logging.INFO if console.verbose else logging.WARNING
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, old_level, propagate in before:
            logger.removeHandler(handler)
            logger.setLevel(old_level)
            logger.propagate = propagate


class Story(logging.Handler):
    """Tells what is logged: our own errors always; requests, and what uvicorn says of broken ones, with --verbose."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record."""
        message = record.getMessage()
        if record.exc_info:
            traceback.print_exception(record.exc_info[1], file=self._console.stderr)
        if record.name.startswith("uvicorn") or record.levelno < logging.ERROR:
            self._console.detail(message)
        elif record.levelno >= logging.CRITICAL:
            self._console.bug(f"{message}; run again with --traceback")
        else:
            self._console.error(message)
