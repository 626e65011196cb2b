"""A person and a model in turn: read a line, do what it says, write the answer as it comes."""

import shutil
import signal
from collections.abc import Sequence

from gptcli.cli.chat_commands import run_command
from gptcli.cli.chat_reader import Reader, unechoed
from gptcli.cli.chat_settings import Settings
from gptcli.cli.chat_wrapping import WordWrap
from gptcli.cli.console import Console, harmless, utf8
from gptcli.cli.signals import StopRequest, Terminated
from gptcli.data.utf8 import bad_byte
from gptcli.errors import InputError, UsageError
from gptcli.tasks.chat import Answered, Chat
from gptcli.tasks.conversation import Conversation
from gptcli.tasks.dialogue import Turn
from gptcli.tasks.events import Notice, TextDelta

HOW_TO_LEAVE = "Ctrl-D leaves, /help lists the commands"


class Session:
    """What a conversation has at hand; commands change it."""

    def __init__(
        self, console: Console, chat: Chat, conversation: Conversation, settings: Settings, reader: Reader
    ) -> None:
        self.console = console
        self.conversation = conversation
        self.settings = settings
        self.reader = reader
        self._chat = chat

    def run(self) -> None:
        """Talk until a person leaves; what goes wrong with a line is told, and the next one read."""
        self.console.tell(f"{self._chat.name}, format {self._chat.form.name}; {HOW_TO_LEAVE}")
        with self.reader.interrupts.listening(), unechoed(self.console.stdin):
            while True:
                try:
                    line = self._next_line()
                    if line is not None:
                        self._take(line)
                except (InputError, UsageError) as error:
                    self.console.error(str(error))
                except EOFError:
                    return

    def ask(self, text: str, before: Conversation) -> None:
        """Say something behind a conversation and write the answer; both are kept, unless nothing came of it.

        Raises InputError for what cannot be answered; then all is as it was.
        """
        asked = before.with_turn(Turn(role="user", text=text))
        try:
            answered = self._write_answer(asked.prompt)
        except InputError as error:
            raise InputError(f"your message {error}") from error
        if answered.finish_reason == "cancelled" and not answered.text:
            self.console.tell("stopped before a word came: your message is taken back")
            return
        if not answered.text:
            self.console.tell("the model says nothing; /retry asks again")
        elif answered.finish_reason == "cancelled":
            self.console.tell("stopped; what came is kept, and /retry asks again")
        self.conversation = asked.with_turn(Turn(role="assistant", text=answered.text))

    def settle(self, settings: Settings) -> None:
        """Draw with these settings from now on; raises ConfigError where the model cannot."""
        self._chat.choose(settings.options, settings.logit_bias, settings.seed)
        changed = settings.options.max_new_tokens != self.settings.options.max_new_tokens
        self.settings = settings
        if changed and self._chat.limit_warning is not None:
            self.console.warn(self._chat.limit_warning)

    def _next_line(self) -> str | None:
        """Return what was typed; None where that was Ctrl-C, which tells how to leave."""
        try:
            return self.reader.read()
        except Terminated:
            raise
        except KeyboardInterrupt:
            self.console.tell(HOW_TO_LEAVE)
            return None

    def _take(self, line: str) -> None:
        complaint = bad_byte(line, 1)
        if complaint:
            raise InputError(f"what you typed {complaint}")
        if not line.strip():
            raise InputError("an empty line says nothing; /help lists the commands")
        if line.startswith("/") and not line.startswith("//"):
            run_command(self, line)
        else:
            self.ask(line.removeprefix("/") if line.startswith("//") else line, self.conversation)

    def _write_answer(self, prompt: Sequence[Turn]) -> Answered:
        """Write an answer as it comes; the first Ctrl-C ends it, the second all."""
        stop = StopRequest()
        answered = Answered(text="", finish_reason="cancelled", new_tokens=0)
        notices: list[str] = []
        screen = _Screen(self.console)
        try:
            with stop.listening():
                if self.reader.interrupts.taken():  # behind the line, before anybody listened
                    stop.ask(signal.SIGINT)
                for event in self._chat.answer(prompt, stop):
                    match event:
                        case TextDelta():
                            screen.show(event.text)
                        case Notice():
                            notices.append(event.text)
                        case Answered():
                            answered = event
        finally:
            screen.end()
        for notice in notices:
            self.console.warn(notice)
        if stop() and isinstance(stop.error(), Terminated):
            raise stop.error()
        return answered


class _Screen:
    """Where an answer is written: as it comes, and on a terminal by words."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._wrap = WordWrap(shutil.get_terminal_size().columns) if console.stdout.isatty() else None
        self._written = False

    def show(self, text: str) -> None:
        """Write a piece, with nothing in it that drives a terminal."""
        self._written = True
        text = harmless(text)
        self._write(self._wrap.push(text) if self._wrap is not None else text)

    def end(self) -> None:
        """End the line, where there is one."""
        if self._written:
            self._write((self._wrap.end() if self._wrap is not None else "") + "\n")

    def _write(self, text: str) -> None:
        self._console.write(utf8(text))
        self._console.flush()
