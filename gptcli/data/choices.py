"""Recognise rows that ask which of several endings is right: HellaSwag's, PIQA's, ARC's, or with names like theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gptcli.data.choice_answers import answer_number
from gptcli.data.column_names import find
from gptcli.data.columns import kind_of, value_text
from gptcli.data.records import Record
from gptcli.errors import InputError

ChoiceKind = Literal["HellaSwag", "PIQA", "ARC", "other"]

PROMPT = "prompt"
CONTEXTS = ("context", "question")
ENDINGS = ("endings", "choices", "options")
ANSWERS = ("answer", "label", "answerkey")
HELLASWAG_PARTS = ("activity_label", "ctx_a", "ctx_b")
"""What lm-evaluation-harness makes a context of, whether or not there is a ctx."""
_STEM = ("question", "question_stem")  # ARC's name, and that of OpenBookQA, which has the same shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is read, what may follow, and which of these is right."""

    context: str
    endings: tuple[str, ...]
    """At least two, none of them empty."""
    answer: int
    """From 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """The columns that a question's parts stand in."""

    kind: ChoiceKind
    context: tuple[str, ...]
    """Of several, the texts follow each other: HellaSwag's parts after a space, other ones on a line of their own."""
    endings: tuple[str, ...]
    """One column that holds a list, or a column for each ending."""
    answer: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that are read."""
        return (*self.context, *self.endings, self.answer)

    @property
    def known(self) -> frozenset[str]:
        """Return these, and what a protocol may read instead."""
        return frozenset(self.columns) | (frozenset(HELLASWAG_PARTS) if self.kind == "HellaSwag" else frozenset())

    @property
    def reason(self) -> str:
        """Return a sentence that tells what was recognised."""
        named = "" if self.kind == "other" else f", as in {self.kind}"
        read, endings = " and ".join(self.context), " and ".join(self.endings)
        return f"choices: {read} can end in {endings}, and {self.answer} tells which is right{named}"

    def question(self, record: Record) -> Question:
        """Return a row's question as it is written.

        Raises InputError, whose message goes behind the row's origin, where it has no answer among two endings or more.
        """
        if record.error is not None:
            raise InputError(record.error)
        texts = [value_text(record.columns, name).strip() for name in self.context]
        joined = (" " if self.kind == "HellaSwag" else "\n").join(text for text in texts if text)
        endings, labels = self._endings(record.columns)
        if self.answer not in record.columns:
            raise InputError(f"has no column {self.answer}: it has {', '.join(record.columns) or 'none'}")
        answer = answer_number(record.columns[self.answer], endings, labels, self.answer)
        return Question(context=joined, endings=endings, answer=answer)

    def _endings(self, columns: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """Return the endings, and what each is called where the row says so."""
        labels: tuple[str, ...] | None = None
        if len(self.endings) > 1:
            texts = tuple(value_text(columns, name) for name in self.endings)
        else:
            texts, labels = _listed(columns, self.endings[0])
        if len(texts) < 2:
            raise InputError(f"has {len(texts)} endings in column {self.endings[0]}: a choice needs two or more")
        for number, text in enumerate(texts):
            if not text.strip():
                raise InputError(f"has an empty ending (number {number}, counted from 0): fill it in, or leave it out")
        return texts, labels


def choice_shape(columns: Sequence[str], sample_rows: Sequence[Mapping[str, object]]) -> ChoiceShape | None:
    """Return the shape of a data set, by the names of its columns and what they hold; None for another kind of data."""
    shape = _named_shape(columns)
    if shape is None or (len(shape.endings) == 1 and not _holds_lists(shape.endings[0], sample_rows)):
        return None
    return shape


def require_choice_shape(columns: Sequence[str], sample_rows: Sequence[Mapping[str, object]]) -> ChoiceShape:
    """Return the shape; raises InputError that says what it is where the columns have none."""
    shape = choice_shape(columns, sample_rows)
    if shape is not None:
        return shape
    unlisted = _named_shape(columns)
    if unlisted is not None:
        raise InputError(f"column {unlisted.endings[0]} holds no list of endings: write the rows as .jsonl or .parquet")
    raise InputError(
        "no choices: rows need a text (context, question or prompt), its endings (endings, choices or options: a list) "
        f"and the right one (answer or label); the columns are {', '.join(columns)}"
    )


def _named_shape(columns: Sequence[str]) -> ChoiceShape | None:
    """Return the shape that the names tell."""
    names = {name.strip().casefold(): name for name in reversed(columns)}
    kind: ChoiceKind = "other"
    # A prompt is whole; a context is read before its question.
    context = tuple(names[name] for name in ((PROMPT,) if PROMPT in names else CONTEXTS) if name in names)
    endings, answer = find(columns, ENDINGS), find(columns, ANSWERS)
    if {"endings", "label"} <= names.keys() and ("ctx" in names or {"ctx_a", "ctx_b"} <= names.keys()):
        kind, endings, answer = "HellaSwag", names["endings"], names["label"]
        context = (names["ctx"],) if "ctx" in names else (names["ctx_a"], names["ctx_b"])
    elif {"goal", "sol1", "sol2", "label"} <= names.keys():
        solutions = (names["sol1"], names["sol2"])
        return ChoiceShape(kind="PIQA", context=(names["goal"],), endings=solutions, answer=names["label"])
    elif {"choices", "answerkey"} <= names.keys() and (stem := find(columns, _STEM)) is not None:
        kind, context, endings, answer = "ARC", (stem,), names["choices"], names["answerkey"]
    if not context or endings is None or answer is None:
        return None
    return ChoiceShape(kind=kind, context=context, endings=(endings,), answer=answer)


def _holds_lists(name: str, sample_rows: Sequence[Mapping[str, object]]) -> bool:
    """Return whether a column that has any value has lists, or ARC's object of lists."""
    values = [row[name] for row in sample_rows if row.get(name) is not None]
    return not values or any(isinstance(value, list | tuple | Mapping) for value in values)


def _listed(columns: Mapping[str, object], name: str) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return the texts of a list, and their labels where it is ARC's: {text, label} of lists, or a list of such."""
    value = columns.get(name)
    if isinstance(value, Mapping) and {"text", "label"} <= value.keys():
        texts, labels = value["text"], value["label"]
        if isinstance(texts, list) and isinstance(labels, list) and len(texts) == len(labels):
            return _texts(texts, name), _texts(labels, name)
    if isinstance(value, list | tuple):
        if value and all(isinstance(member, Mapping) and {"text", "label"} <= member.keys() for member in value):
            return _texts([member["text"] for member in value], name), _texts([m["label"] for m in value], name)
        return _texts(value, name), None
    if name not in columns:
        raise InputError(f"has no column {name}: it has {', '.join(columns) or 'none'}")
    raise InputError(f"holds {kind_of(value)} in column {name}, not a list of endings")


def _texts(values: Sequence[object], name: str) -> tuple[str, ...]:
    """Return the members of a list as text."""
    return tuple(value_text({name: value}, name) for value in values)
