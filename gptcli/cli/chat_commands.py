"""The commands of a conversation: what a line that begins with a slash does."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from gptcli.cli.console import Console
from gptcli.errors import InputError, UsageError

if TYPE_CHECKING:
    from gptcli.cli.chat_session import Session
    from gptcli.tasks.conversation import LoadedConversation

FILE = "FILE"
OVERWRITE = "--overwrite"
_USAGE_COLUMNS = 26
_WIDE = 80
"""Columns from which a command and its help stand in one line."""
_EXCERPT = 60
"""Characters of a text that tell a person which it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, and what /help says of it."""

    run: Callable[["Session", str], None]
    """Takes what stands behind the command's name."""
    argument: str
    help: str


def run_command(session: "Session", line: str) -> None:
    """Do what a line says that begins with a slash.

    Raises UsageError for no command, with the nearest one, and what the command raises.
    """
    name, _, argument = line[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        close = get_close_matches(name, COMMANDS, n=1, cutoff=0.3)
        nearest = f"did you mean /{close[0]}?" if close else "/help lists them"
        raise UsageError(f"no command /{name}: {nearest} (a message that begins with a slash takes two)")
    if argument.strip() and not command.argument:
        raise UsageError(f"/{name} takes nothing behind it, not {argument.strip()!r}")
    command.run(session, argument.strip())


def _retry(session: "Session", argument: str) -> None:
    asked = session.conversation.asked
    if asked is None:
        raise InputError("there is nothing to answer again")
    if session.settings.options.greedy:
        session.console.tell("at temperature 0 the answer is the same: /set temperature=0.8 draws another")
    session.ask(asked, session.conversation.undone())


def _undo(session: "Session", argument: str) -> None:
    asked = session.conversation.asked
    if asked is None:
        raise InputError("there is nothing to take back")
    session.conversation = session.conversation.undone()
    session.console.tell(f"taken back, with its answer: {_excerpt(asked)}")


def _edit(session: "Session", argument: str) -> None:
    asked = session.conversation.asked
    if asked is None:
        raise InputError("there is nothing to edit")
    changed = argument or session.reader.edit(asked)
    if changed is None or not changed.strip():
        session.console.tell(f"nothing is changed; /edit TEXT puts TEXT in the place of: {_excerpt(asked)}")
        return
    session.ask(changed, session.conversation.undone())


def _set(session: "Session", argument: str) -> None:
    if not argument:
        for line in session.settings.lines():
            session.console.relay(line)
        return
    session.settle(session.settings.changed(argument))


def _system(session: "Session", argument: str) -> None:
    if not argument:
        session.console.relay(session.conversation.system or "there is no system text; /system TEXT puts one in front")
        return
    session.conversation = replace(session.conversation, system=None if argument == "-" else argument)


def _save(session: "Session", argument: str) -> None:
    from gptcli.tasks.conversation import save_conversation

    option, _, behind = argument.partition(" ")
    overwrite = option == OVERWRITE
    path = _path("save", behind if overwrite else argument)
    rows = save_conversation(session.conversation, path, overwrite=overwrite)
    session.console.tell(f"{_count(rows, 'answer is', 'answers are')} in {path}")


def _load(session: "Session", argument: str) -> None:
    from gptcli.tasks.conversation import load_conversation

    loaded = load_conversation(_path("load", argument))
    before = session.conversation.answers
    session.conversation = loaded.conversation
    tell_loaded(session.console, loaded, gone=before)


def _reset(session: "Session", argument: str) -> None:
    answers = session.conversation.answers
    session.conversation = replace(session.conversation, turns=())
    stays = "; the system text stays" if session.conversation.system is not None else ""
    session.console.tell(f"{_count(answers, 'answer', 'answers')} forgotten{stays}")


def _help(session: "Session", argument: str) -> None:
    columns = shutil.get_terminal_size().columns
    for name, command in COMMANDS.items():
        usage = f"/{name} {command.argument}".rstrip()
        if columns >= _WIDE:
            session.console.relay(f"{usage:<{_USAGE_COLUMNS}}{command.help}")
        else:
            for line in (usage, *wrap(command.help, columns - 1, initial_indent="  ", subsequent_indent="  ")):
                session.console.relay(line)


def _exit(session: "Session", argument: str) -> None:
    raise EOFError


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "retry": Command(run=_retry, argument="", help="answer again"),
        "undo": Command(run=_undo, argument="", help="take back your last message and its answer"),
        "edit": Command(run=_edit, argument="[TEXT]", help="change your last message; it is answered again"),
        "set": Command(run=_set, argument="[NAME=VALUE]", help="change an option, as temperature=0.8; alone: show all"),
        "system": Command(run=_system, argument="[TEXT]", help="put TEXT first of all; - removes it; alone: show it"),
        "save": Command(run=_save, argument=f"[{OVERWRITE}] {FILE}", help="write the conversation to FILE.jsonl"),
        "load": Command(run=_load, argument=FILE, help="go on with a saved conversation"),
        "reset": Command(run=_reset, argument="", help="begin again"),
        "help": Command(run=_help, argument="", help="show this"),
        "exit": Command(run=_exit, argument="", help="leave, as Ctrl-D does"),
    }
)


def tell_loaded(console: Console, loaded: "LoadedConversation", *, gone: int = 0) -> None:
    """Tell what a file holds, what of it is not read, and how many answers it takes the place of."""
    conversation = loaded.conversation
    behind = f"; what was before is gone, {_count(gone, 'answer', 'answers')}" if gone else ""
    last = _excerpt(conversation.turns[-1].text)
    console.tell(f"{_count(conversation.answers, 'answer', 'answers')}, the last: {last}{behind}")
    if loaded.unread:
        console.warn(f"not read: {_count(len(loaded.unread), 'column', 'columns')} {', '.join(loaded.unread)}")


def _path(name: str, text: str) -> str:
    path = text.strip()
    if len(path) > 1 and path[0] == path[-1] and path[0] in "'\"":
        path = path[1:-1]
    if not path:
        raise UsageError(f"which file? Type /{name} talk.jsonl")
    return os.path.expanduser(path)


def _excerpt(text: str) -> str:
    """Return the beginning of a text, in a line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 3]}..."


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
