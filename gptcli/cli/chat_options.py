"""The options of chat."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from gptcli.cli.escapes import unescaped
from gptcli.cli.options import Backend, Device, ModelName, NumberFormat, Threads
from gptcli.engine.options import ModelOptions

_MODEL = ModelOptions()

_conversation = partial(typer.Option, rich_help_panel="Conversation")

DialogueTemplate = Annotated[
    str | None,
    _conversation(
        "--template",
        metavar="NAME|FORMAT",
        parser=unescaped,
        show_default="the model's own, else plain",
        help="How turns are written down for the model: plain, dialogpt, qa, summary, translate, code, chat, or a "
        "format such as 'Q: {question} A:'.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFlags:
    """What a conversation begins with, and how the model reads it."""

    system: Annotated[
        str | None,
        _conversation("--system", metavar="TEXT", help="A text in front of the conversation, never dropped."),
    ] = None
    load: Annotated[
        str | None, _conversation("--load", metavar="FILE", help="Go on with a conversation that /save wrote.")
    ] = None
    template: DialogueTemplate = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModelFlags:
    """Which model answers, where and how."""

    model: ModelName = _MODEL.model
    device: Device = _MODEL.device
    dtype: NumberFormat = _MODEL.dtype
    backend: Backend = _MODEL.backend
    threads: Threads = _MODEL.threads

    def options(self) -> ModelOptions:
        """Return them checked; raises ConfigError."""
        return ModelOptions(
            model=self.model, device=self.device, dtype=self.dtype, backend=self.backend, threads=self.threads
        )
