"""A chat without a model, and a person whose lines are known beforehand."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO, StringIO

from gptcli.cli.chat_session import Session
from gptcli.cli.chat_settings import Settings
from gptcli.cli.console import Console
from gptcli.cli.signals import Interrupts
from gptcli.engine.options import SamplingOptions
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.chat import Answered
from gptcli.tasks.config import TokenBias
from gptcli.tasks.conversation import Conversation
from gptcli.tasks.dialogue import DialogueFormat, Turn
from gptcli.tasks.events import Notice, TextDelta

Line = str | BaseException


@dataclass(kw_only=True)
class FakeChat:
    """Answers with the number of the answer and what was asked, in two pieces, unless told otherwise."""

    name: str = "fake"
    form: DialogueFormat = field(default_factory=lambda: DialogueFormat(name="plain", reason="as asked", template=None))
    replies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The pieces of the answer to a message."""
    signals: dict[str, int] = field(default_factory=dict)
    """What this process is sent behind the first piece of the answer to a message."""
    notices: list[str] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """The turns of each prompt."""
    options: SamplingOptions | None = None

    @property
    def limit_warning(self) -> str | None:
        """Warn of more than 512 tokens."""
        many = self.options is not None and (self.options.max_new_tokens or 0) > 512
        return "more than the window" if many else None

    def choose(self, options: SamplingOptions, logit_bias: TokenBias, seed: int) -> None:
        """Refuse beams, as a chat that was opened for none."""
        if options.num_beams > 1:
            raise ConfigError("no beams here")
        self.options = options

    def answer(self, turns: Sequence[Turn], cancelled: Callable[[], bool]) -> Iterator[TextDelta | Notice | Answered]:
        """Yield an answer; refuses a message "long"."""
        text = turns[-1].text
        if text == "long":
            raise InputError("has 9,999 tokens: shorten it")
        self.asked.append(tuple(turn.text for turn in turns))
        yield from (Notice(text=notice) for notice in self.notices)
        said = ""
        for piece in self.replies.get(text, (f"answer {len(self.asked)}", f" to {text}")):
            if cancelled():
                yield Answered(text=said, finish_reason="cancelled", new_tokens=0)
                return
            yield TextDelta(prompt=text, text=piece)
            said += piece
            if text in self.signals:
                os.kill(os.getpid(), self.signals[text])
        yield Answered(text=said, finish_reason="cancelled" if cancelled() else "eos", new_tokens=2)


@dataclass(kw_only=True)
class FakeReader:
    """A person who types these lines, or interrupts, and then leaves."""

    lines: list[Line]
    late: str | None = None
    """The line behind which Ctrl-C is pressed before its answer begins."""
    edited: str | None = None
    """What an edited text becomes."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    offered: list[str] = field(default_factory=list)
    """The texts that were given to edit."""

    def read(self) -> str:
        """Return the next line."""
        if not self.lines:
            raise EOFError
        line = self.lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        if line == self.late:
            signal.raise_signal(signal.SIGINT)
        return line

    def edit(self, text: str) -> str | None:
        """Return what the person makes of a text."""
        self.offered.append(text)
        return self.edited


@dataclass(frozen=True, kw_only=True)
class Talked:
    """What a session showed and left."""

    out: str
    err: str
    chat: FakeChat
    reader: FakeReader
    conversation: Conversation
    settings: Settings

    @property
    def told(self) -> list[str]:
        """Return the lines on stderr behind the greeting, without the program's name."""
        return [line.removeprefix("gptcli: ") for line in self.err.splitlines()[1:]]

    @property
    def texts(self) -> list[str]:
        """Return the texts of the conversation's turns."""
        return [turn.text for turn in self.conversation.turns]


def talk(
    *lines: Line,
    chat: FakeChat | None = None,
    edited: str | None = None,
    late: str | None = None,
    quiet: bool = False,
) -> Talked:
    """Run a session over lines, to its end."""
    chat = chat or FakeChat()
    reader = FakeReader(lines=list(lines), edited=edited, late=late)
    console = Console(stdin=BytesIO(), stdout=BytesIO(), stderr=StringIO(), environment={}, quiet=quiet)
    settings = Settings(options=SamplingOptions(), logit_bias=(), seed=7)
    session = Session(console, chat, Conversation(), settings, reader)  # type: ignore[arg-type]
    before = signal.getsignal(signal.SIGINT)
    try:
        session.run()
    finally:
        assert signal.getsignal(signal.SIGINT) is before
    assert isinstance(console.stdout, BytesIO)
    assert isinstance(console.stderr, StringIO)
    return Talked(
        out=console.stdout.getvalue().decode(),
        err=console.stderr.getvalue(),
        chat=chat,
        reader=reader,
        conversation=session.conversation,
        settings=session.settings,
    )
