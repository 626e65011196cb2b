"""The options of serve: which models, who may ask, and how much it takes on."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from gptcli.cli.options import Backend, Device, NumberFormat, Threads
from gptcli.engine.options import ModelOptions
from gptcli.serving.settings import ServeSettings

_MODEL = ModelOptions()
_DEFAULT = ServeSettings()

_model = partial(typer.Option, rich_help_panel="Model")
_access = partial(typer.Option, rich_help_panel="Access")
_load = partial(typer.Option, rich_help_panel="Load")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModelFlags:
    """Which models run, where and how."""

    models: Annotated[
        list[str] | None,
        _model(
            "-m",
            "--model",
            metavar="NAME|DIR",
            show_default="GPTCLI_MODEL, else gpt2",
            help="A GPT-2, a classifier or an adapter: a directory, a name on the Hub, or builtin. Repeatable.",
        ),
    ] = None
    device: Device = _MODEL.device
    dtype: NumberFormat = _MODEL.dtype
    backend: Backend = _MODEL.backend
    threads: Threads = _MODEL.threads

    def options(self) -> ModelOptions:
        """Return them checked, without a model; raises ConfigError."""
        return ModelOptions(device=self.device, dtype=self.dtype, backend=self.backend, threads=self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFlags:
    """Where the server listens, and whom it answers."""

    host: Annotated[
        str,
        _access("--host", metavar="HOST", help="The address to listen on; 0.0.0.0 is all that this machine has."),
    ] = _DEFAULT.host
    port: Annotated[int, _access("--port", metavar="N", help="The port; 0 takes one that is free, and tells it.")] = (
        _DEFAULT.port
    )
    api_key: Annotated[
        str | None,
        _access(
            "--api-key",
            metavar="KEY",
            envvar="GPTCLI_API_KEY",
            show_default="everybody may ask",
            help="What requests must bring. Give it in the environment: other users see a command line.",
        ),
    ] = _DEFAULT.api_key
    cors: Annotated[
        list[str] | None,
        _access(
            "--cors",
            metavar="ORIGIN",
            help="Let pages of another site ask, such as https://app.example.com; * is all. Repeatable.",
        ),
    ] = None
    allowed_hosts: Annotated[
        list[str] | None,
        _access(
            "--allowed-host",
            metavar="NAME",
            help="A name that the server goes by, besides localhost; *.example.com is all below it. Repeatable.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFlags:
    """How much a server takes on."""

    max_concurrent: Annotated[
        int | None,
        _load(
            "--max-concurrent",
            metavar="N",
            show_default="by memory",
            help="Most sequences that a model writes at once; one that has to wait gets the same text.",
        ),
    ] = _DEFAULT.max_concurrent
    queue: Annotated[
        int, _load("--queue", metavar="N", help="Most sequences that wait; a request beyond is told to come back.")
    ] = _DEFAULT.queue
    timeout_seconds: Annotated[
        float, _load("--timeout", metavar="SECONDS", help="Longest time for a request, its waiting included.")
    ] = _DEFAULT.timeout_seconds


def settings_of(access: AccessFlags, load: LoadFlags) -> ServeSettings:
    """Return how the server runs; raises ConfigError."""
    return ServeSettings(
        host=access.host,
        port=access.port,
        api_key=access.api_key,
        cors=tuple(access.cors or ()),
        allowed_hosts=tuple(access.allowed_hosts or ()),
        max_concurrent=load.max_concurrent,
        queue=load.queue,
        timeout_seconds=load.timeout_seconds,
    )
