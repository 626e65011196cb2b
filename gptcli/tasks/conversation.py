"""A conversation as a value, and as a file of rows that fine-tuning learns answers from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise

from gptcli.data.atomic import write_atomically
from gptcli.data.column_names import SYNONYMS, find
from gptcli.data.columns import value_text
from gptcli.data.formats import Jsonl
from gptcli.data.output import cannot_write, refuse_existing
from gptcli.data.readers import read_records
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.dialogue import Turn

SUFFIX = ".jsonl"
SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
"""The columns of a file; fine-tuning takes user for the prompt and assistant for its completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What was said, the user's turns and their answers by turns."""

    system: str | None = None
    turns: tuple[Turn, ...] = ()

    @property
    def prompt(self) -> tuple[Turn, ...]:
        """Return all turns, the system text in front."""
        return self.turns if self.system is None else (Turn(role="system", text=self.system), *self.turns)

    @property
    def asked(self) -> str | None:
        """Return what the user said last, answered or not."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), None)

    @property
    def answers(self) -> int:
        """Return how many answers there are."""
        return sum(turn.role == "assistant" for turn in self.turns)

    def with_turn(self, turn: Turn) -> "Conversation":
        """Return the conversation with one more turn."""
        return replace(self, turns=(*self.turns, turn))

    def undone(self) -> "Conversation":
        """Return it as it was before the user's last turn."""
        places = [place for place, turn in enumerate(self.turns) if turn.role == "user"]
        return replace(self, turns=self.turns[: places[-1]] if places else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConversation:
    """What a file holds, and what of it has no place in a conversation."""

    conversation: Conversation
    unread: tuple[str, ...]
    """Columns."""


def save_conversation(conversation: Conversation, path: str, *, overwrite: bool) -> int:
    """Write a row for each answer, as JSON lines, and return how many; the file appears whole or not at all.

    Raises ConfigError for a file that is there already, unless it may be overwritten, and for a name that fine-tuning
    would not read as rows; InputError where there is no answer yet, and OutputError where nothing can be written.
    """
    if not path.lower().endswith(SUFFIX):
        raise ConfigError(f"{path}: a conversation is saved as rows of JSON: name the file {path}{SUFFIX}")
    rows = list(_rows(conversation))
    if not rows:
        raise InputError("there is no answer yet to save")
    refuse_existing(path, overwrite=overwrite)
    form = Jsonl()
    try:
        write_atomically(path, b"".join(form.row(row, first=False) for row in rows))
    except OSError as error:
        raise cannot_write(path, error) from error
    return len(rows)


def load_conversation(path: str) -> LoadedConversation:
    """Return the conversation of a file, as saved or of any rows with a user's and an assistant's column.

    The system text is that of the first row. Raises InputError for what cannot be read, with the place.
    """
    system: str | None = None
    turns: list[Turn] = []
    columns: tuple[str, str] | None = None
    names: dict[str, None] = {}
    for record in read_records("./-" if path == "-" else path, BytesIO()):
        if record.error is not None:
            raise InputError(f"{record.origin}: {record.error}")
        try:
            columns = columns or _columns(list(record.columns))
            if not turns and record.columns.get(SYSTEM) is not None:
                system = value_text(record.columns, SYSTEM)
            names |= dict.fromkeys(record.columns)
            user, assistant = (value_text(record.columns, column) for column in columns)
        except InputError as error:
            raise InputError(f"{record.origin}: {error}") from error
        turns += [Turn(role="user", text=user), Turn(role="assistant", text=assistant)]
    unread = [name for name in names if name not in (SYSTEM, *(columns or ()))]
    return LoadedConversation(conversation=Conversation(system=system, turns=tuple(turns)), unread=tuple(unread))


def _rows(conversation: Conversation) -> Iterator[dict[str, object]]:
    """Yield a row for each of the user's turns that was answered, all with the same columns."""
    head: dict[str, object] = {} if conversation.system is None else {SYSTEM: conversation.system}
    turns = conversation.turns
    for asked, answered in pairwise(turns):
        if asked.role == "user" and answered.role == "assistant":
            yield head | {USER: asked.text, ASSISTANT: answered.text}


def _columns(columns: Sequence[str]) -> tuple[str, str]:
    user = find(columns, SYNONYMS[USER])
    assistant = find([column for column in columns if column != user], SYNONYMS[ASSISTANT])
    if user is None or assistant is None:
        raise InputError(
            f"no columns for a message and its answer: the columns are {', '.join(columns)}; "
            f"name two of them {USER} and {ASSISTANT}, or question and answer"
        )
    return user, assistant
