"""Conversations as tokens: turns in, and out what a model reads before the next answer.

A format that is a template puts each exchange, a user's text and its answer, as fine-tuning puts a row: the template
filled in, its stop text behind it, and a line end before the next. DialoGPT's has the end-of-text token behind every
turn (Zhang et al. 2020, section 3). Text is tokenized an exchange at a time. That gives the tokens of the whole, since
byte-level BPE parts text at the line end between two; and it takes no time for exchanges that no window holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gptcli.data.templates import PromptTemplate, segments_of
from gptcli.errors import InputError, ModelError

if TYPE_CHECKING:
    from gptcli.checkpoint.tokenizer import Tokenizer

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one side has said; a system text speaks for neither, and stands in front of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueFormat:
    """How a conversation is written down for a model; dialogue_format chooses one."""

    name: str
    reason: str
    """Who chose it."""
    template: PromptTemplate | None
    """A template of one field, which takes the user's text; None is DialoGPT's format."""
    warning: str | None = None
    """What a person should know: another format than the model's own is taken."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Return the texts that end an answer: the template's own, and what would begin a turn in the same text."""
        if self.template is None:
            return ()
        marks = [_mark(literal) for literal, column in segments_of(self.template.template) if column is not None]
        return tuple(dict.fromkeys([*filter(None, [self.template.stop]), *(f"\n{mark}" for mark in marks if mark)]))

    def tokens(self, turns: Sequence[Turn], tokenizer: "Tokenizer") -> list[int]:
        """Return the prompt for the next answer; where the last turn is the assistant's, it is continued.

        Raises InputError for half of a surrogate pair, and ModelError where the format needs a token that is missing.
        """
        exchanges = _exchanges(turns)
        parts = [self.head(turns, tokenizer), *(self.part(one, tokenizer) for one in exchanges)]
        return [token for part in parts for token in part]

    def answer(self, continuation: str) -> str:
        """Return what the assistant has said: a continuation without the white space that parts it from its marks."""
        return continuation.strip()

    def head(self, turns: Sequence[Turn], tokenizer: "Tokenizer") -> list[int]:
        """Return what stands before the first exchange: the token that begins every text, and all system texts."""
        text = _system(turns)
        begin, _ = tokenizer.ends
        if not text:
            return begin
        if self.template is None:
            return [*begin, *self._ended(text, tokenizer)]
        return [*begin, *_encoded(f"{text}\n\n", tokenizer)]

    def part(self, exchange: "Exchange", tokenizer: "Tokenizer") -> list[int]:
        """Return the tokens of one exchange, whose answer goes on where it is open."""
        user, answer = exchange.user, exchange.answer
        if self.template is None:
            asked = [] if user is None else self._ended(user, tokenizer)
            if answer is None:
                return asked
            return [*asked, *(_encoded(answer, tokenizer) if exchange.open else self._ended(answer, tokenizer))]
        (field,) = self.template.fields
        text = self.template.prompt({field: user or ""})
        if answer is not None:
            completion = self.template.completion({self.template.completion_column: answer})
            text += completion.removesuffix(self.template.stop) if exchange.open else completion
        if not exchange.open and not text.endswith("\n"):
            text += "\n"
        return _encoded(text, tokenizer)

    def _ended(self, text: str, tokenizer: "Tokenizer") -> list[int]:
        if tokenizer.eos_id is None:
            raise ModelError(f"the format {self.name} needs an end-of-text token, which this model's tokenizer lacks")
        return [*_encoded(text, tokenizer), tokenizer.eos_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedDialogue:
    """The prompt of a conversation, as much of it as the window holds."""

    prompt: tuple[int, ...]
    dropped: int
    """How many of the oldest turns are left out."""
    room: int
    """Tokens that may follow; the last needs no place in the window."""


def fit(
    form: DialogueFormat, turns: Sequence[Turn], tokenizer: "Tokenizer", n_positions: int, reserve: int
) -> FittedDialogue:
    """Return the prompt that leaves room for an answer of reserve tokens, or of half the window where that is less.

    The oldest exchanges are dropped, and system texts stay. Raises InputError, whose message goes behind a name for
    the last turn, where that alone is too long.
    """
    most = n_positions - min(reserve, n_positions // 2) + 1
    least = tokenizer.least_tokens(_system(turns))
    head = [] if least > most else form.head(turns, tokenizer)
    if max(least, len(head)) >= most:
        count = _count(least, head if least <= most else None)
        raise InputError(f"cannot be answered: the system text {count}, {_room(most)}")
    exchanges = _exchanges(turns)
    kept = list(_latest(form, exchanges, tokenizer, most - len(head)))
    prompt = (*head, *(token for part in reversed(kept) for token in part))
    if not prompt:
        raise InputError("is empty: there is nothing to answer")
    dropped = sum(exchange.turns for exchange in exchanges[: len(exchanges) - len(kept)])
    return FittedDialogue(prompt=prompt, dropped=dropped, room=n_positions - len(prompt) + 1)


def _latest(
    form: DialogueFormat, exchanges: Sequence["Exchange"], tokenizer: "Tokenizer", most: int
) -> Iterator[list[int]]:
    """Yield the tokens of exchanges from the last one back, as many as come to at most so many tokens together."""
    used = 0
    for exchange in reversed(exchanges):
        least = tokenizer.least_tokens(exchange.user or "") + tokenizer.least_tokens(exchange.answer or "")
        part = None if used + least > most else form.part(exchange, tokenizer)
        if part is None or used + len(part) > most:
            if exchange.open:
                raise InputError(f"{_count(least, part)}, {_room(most)}")
            return
        used += len(part)
        yield part


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the user said and what was answered; turns of one side behind each other are one text of lines."""

    user: str | None
    answer: str | None
    open: bool
    """Whether the model goes on here."""
    turns: int


def _exchanges(turns: Sequence[Turn]) -> list[Exchange]:
    """Return the turns by exchanges, the last of which is open."""
    grouped = list(_grouped([turn for turn in turns if turn.role != "system"]))
    last = len(grouped) - 1
    return [
        Exchange(user=_joined(group, "user"), answer=_joined(group, "assistant"), open=number == last, turns=len(group))
        for number, group in enumerate(grouped)
    ]


def _grouped(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """Yield the turns of each exchange: some of the user's, then some of the assistant's."""
    group: list[Turn] = []
    for turn in turns:
        if group and turn.role == "user" and group[-1].role == "assistant":
            yield group
            group = []
        group.append(turn)
    if group:
        yield group


def _mark(literal: str) -> str:
    """Return what a template has in front of a turn; a bare word with the white space that ends it."""
    mark = literal.strip()
    return mark + literal[len(literal.rstrip()) :][:1] if mark[-1:].isalnum() else mark


def _system(turns: Sequence[Turn]) -> str:
    return "\n\n".join(turn.text.strip() for turn in turns if turn.role == "system")


def _joined(turns: Sequence[Turn], role: Role) -> str | None:
    texts = [turn.text.strip() for turn in turns if turn.role == role]
    return "\n".join(texts) if texts else None


def _encoded(text: str, tokenizer: "Tokenizer") -> list[int]:
    """Return the tokens of a text with none put around it."""
    (tokens,) = tokenizer.encode_batch([text])
    return tokens


def _count(least: int, tokens: Sequence[int] | None) -> str:
    return f"has at least {least:,} tokens" if tokens is None else f"has {len(tokens):,} tokens"


def _room(most: int) -> str:
    return f"and beside an answer the window holds {most:,}: shorten it"
