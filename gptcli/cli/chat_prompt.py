"""Read lines with prompt_toolkit: editing, history, and completion of commands, options and files."""

import sys
from collections.abc import Callable, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import History as Entries
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.shortcuts import CompleteStyle

from gptcli.cli.chat_commands import COMMANDS, FILE
from gptcli.cli.chat_history import History
from gptcli.cli.chat_reader import PROMPT
from gptcli.cli.chat_settings import NAMES
from gptcli.cli.signals import Interrupts


class PromptReader:
    """A line editor on a terminal: Alt-Enter begins another line, and a paste of several lines is one text."""

    def __init__(self, history: History, source: Input, screen: Output) -> None:
        self.interrupts = Interrupts()
        self._source = source
        self._editing = False
        self._session: PromptSession[str] = PromptSession(
            history=_Remembered(history),
            completer=CommandCompleter(),
            complete_style=CompleteStyle.READLINE_LIKE,  # a menu would keep lines of a small screen free for itself
            complete_while_typing=False,
            key_bindings=_keys(empties=lambda: not self._editing),
            enable_suspend=True,
            prompt_continuation=" " * len(PROMPT),
            input=source,
            output=screen,
        )

    def read(self) -> str:
        """Return the next text; Ctrl-C only empties a line that is not empty."""
        return self._prompted("")

    def edit(self, text: str) -> str | None:
        """Return the text as changed; None where Ctrl-C or Ctrl-D gave it up."""
        self._editing = True
        try:
            return self._prompted(text)
        except (KeyboardInterrupt, EOFError):
            return None
        finally:
            self._editing = False

    def _prompted(self, text: str) -> str:
        """Return what a text becomes.

        prompt_toolkit's own handler of SIGINT fails where one comes in the moment in which its application ends.
        """
        with self.interrupts.telling(self._wake):
            line = self._session.prompt(PROMPT, default=text, pre_run=self._give_up, handle_sigint=False)
        if self._interrupted_behind():
            self.interrupts.note()
        return line

    def _wake(self) -> None:
        loop = self._session.app.loop
        if loop is not None:
            loop.call_soon_threadsafe(self._give_up)

    def _give_up(self) -> None:
        """End the application for a Ctrl-C that came as a signal, unless it ends already: then it is for the answer."""
        application = self._session.app
        if application.is_running and not application.is_done and self.interrupts.taken():
            application.exit(exception=KeyboardInterrupt())

    def _interrupted_behind(self) -> bool:
        """Return whether Ctrl-C was typed behind the line while it was still a key; it is taken, with what it follows.

        The terminal drops what was typed before a Ctrl-C in the same way.
        """
        keys = [*get_typeahead(self._source), *self._source.read_keys()]
        behind = next((place for place in range(len(keys), 0, -1) if keys[place - 1].key == Keys.ControlC), 0)
        store_typeahead(self._source, keys[behind:])
        return behind > 0


def terminal_reader(history: History) -> PromptReader:
    """Return the reader of this process's terminal; it writes to stderr, since stdout is for answers."""
    return PromptReader(history, create_input(sys.stdin), create_output(sys.stderr))


class CommandCompleter(Completer):
    """Completes the names of commands, of files behind those that take one, and of options behind /set."""

    def __init__(self) -> None:
        self._files = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the word before the cursor may become."""
        text = document.text_before_cursor
        name, space, rest = text.partition(" ")
        if not space:
            if text.startswith("/"):
                yield from _beginning(text, [f"/{name}" for name in COMMANDS])
        elif name == "/set":
            yield from _beginning(rest, [f"{option}=" for option in NAMES])
        elif name.startswith("/") and name[1:] in COMMANDS and COMMANDS[name[1:]].argument.endswith(FILE):
            path = rest.removeprefix("--overwrite ").lstrip()
            yield from self._files.get_completions(Document(path), complete_event)


class _Remembered(Entries):
    """Our history as prompt_toolkit asks for it."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def load_history_strings(self) -> Iterable[str]:
        """Yield what was typed, the latest first."""
        yield from reversed(self._history.entries)

    def store_string(self, string: str) -> None:
        """Remember what was typed."""
        self._history.add(string)


def _beginning(start: str, words: Iterable[str]) -> Iterable[Completion]:
    for word in words:
        if word.startswith(start):
            yield Completion(word, start_position=-len(start))


def _keys(empties: Callable[[], bool]) -> KeyBindings:
    """Return our keys; of a line that is not empty Ctrl-C only makes an empty one, where empties says so."""
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def give_up(event: KeyPressEvent) -> None:
        if event.current_buffer.text and empties():
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt())

    return keys
