"""Answer a pipe: a turn a line in, an answer a line out, and nothing else on stdout."""

from gptcli.cli.console import Console, harmless, utf8
from gptcli.data.columns import text_of
from gptcli.data.readers import read_records
from gptcli.errors import InputError
from gptcli.tasks.chat import Answered, Chat
from gptcli.tasks.conversation import Conversation
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.dialogue import Turn
from gptcli.tasks.events import Notice, Place

EMPTY = "empty lines, which are not asked and have an empty line for an answer"


def answer_lines(console: Console, chat: Chat, conversation: Conversation) -> None:
    """Answer each line of standard input behind those before it; no line is a command.

    A line that cannot be answered is told, has an empty line for an answer and is left out of the conversation. Raises
    InputError at the end where there was one.
    """
    cuts = Cuts()
    rows = failed = 0
    for record in read_records("-", console.stdin):
        answer = ""
        try:
            text = text_of(record, "text")
            if text.strip():
                asked = conversation.with_turn(Turn(role="user", text=text))
                answer = _answer(console, chat, asked)
                conversation = asked.with_turn(Turn(role="assistant", text=answer))
            else:
                cuts.count(EMPTY, Place(row=rows, origin=record.origin))
        except InputError as error:
            failed += 1
            console.error(f"{record.origin}: {error}")
        rows += 1
        console.write(utf8(_in_one_line(answer)) + b"\n")
        console.flush()
    for notice in cuts.notices():
        console.warn(notice.text)
    if failed:
        raise InputError(f"{failed:,} of {rows:,} lines failed")


def _answer(console: Console, chat: Chat, asked: Conversation) -> str:
    """Return the whole answer; raises InputError where there can be none."""
    answer = ""
    for event in chat.answer(asked.prompt, lambda: False):
        if isinstance(event, Answered):
            answer = event.text
        elif isinstance(event, Notice):
            console.warn(event.text)
    return answer


def _in_one_line(text: str) -> str:
    """Return a text with spaces for its line ends, whatever they are, and nothing that drives a terminal."""
    return harmless(" ".join(part for line in text.splitlines() if (part := line.strip())))
