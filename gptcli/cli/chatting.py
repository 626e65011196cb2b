"""What gptcli chat does once its options are read: open the model, then talk with a person or answer a pipe."""

import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gptcli.cli.chat_commands import tell_loaded
from gptcli.cli.chat_options import ChatModelFlags, ConversationFlags
from gptcli.cli.chat_settings import Settings
from gptcli.cli.console import Console
from gptcli.cli.contradictions import refuse_drawing_contradictions
from gptcli.cli.flags import Work
from gptcli.cli.opening import opened
from gptcli.cli.sampling import DrawingFlags
from gptcli.errors import ConfigError
from gptcli.tasks.config import ChatConfig

if TYPE_CHECKING:
    from gptcli.tasks.chat import Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFlags:
    """The options of a chat command, and the names of those that stand on the command line."""

    conversation: ConversationFlags
    drawing: DrawingFlags
    model: ChatModelFlags
    given: frozenset[str]


def prepare(flags: ChatFlags) -> Work:
    """Return the work, its options checked; raises ConfigError."""
    drawing = flags.drawing
    refuse_drawing_contradictions(drawing, flags.given)
    if flags.conversation.system is not None and not flags.conversation.system.strip():
        raise ConfigError("--system is empty: leave it out for none")
    config = ChatConfig(
        seed=secrets.randbelow(2**32) if drawing.seed is None else drawing.seed,
        model=flags.model.options(),
        sampling=drawing.drawing(),
        logit_bias=drawing.biases(),
        template=flags.conversation.template,
    )
    return partial(run, flags=flags.conversation, config=config)


def run(console: Console, *, flags: ConversationFlags, config: ChatConfig) -> None:
    """Talk until the input ends; raises InputError at the end where turns of a pipe failed."""
    from gptcli.tasks.conversation import Conversation, load_conversation

    conversation = Conversation()
    if flags.load is not None:
        loaded = load_conversation(flags.load)
        tell_loaded(console, loaded)
        conversation = loaded.conversation
    if flags.system is not None:
        conversation = replace(conversation, system=flags.system)
    if not console.stdin.isatty():
        from gptcli.cli.chat_filter import answer_lines

        answer_lines(console, _opened(console, config), conversation)
        return
    from gptcli.cli.chat_reader import open_reader
    from gptcli.cli.chat_session import Session

    settings = Settings(options=config.sampling, logit_bias=config.logit_bias, seed=config.seed)
    chat = _opened(console, config)
    Session(console, chat, conversation, settings, open_reader(console)).run()


def _opened(console: Console, config: ChatConfig) -> "Chat":
    """Open the model while telling how; raises ModelError, DeviceError or ConfigError."""
    from gptcli.tasks.chat import open_chat

    return opened(console, open_chat(config))
