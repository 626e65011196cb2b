"""Word a question as lm-evaluation-harness does for HellaSwag, PIQA and ARC, so that figures can be compared."""

import re
from typing import Literal

from gptcli.data.choices import HELLASWAG_PARTS, ChoiceShape, Question
from gptcli.data.columns import value_text
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError

ChoiceProtocol = Literal["plain", "lm-eval"]
"""plain: the columns as they are. lm-eval: as its tasks hellaswag, piqa, arc_easy and arc_challenge word them."""
CHOICE_PROTOCOLS: tuple[ChoiceProtocol, ...] = ("plain", "lm-eval")
"""The first is taken where none is asked for."""

_BRACKETS = re.compile(r"\[.*?\]")


def choice_protocol(wanted: str | None) -> ChoiceProtocol:
    """Return the protocol of a name; raises ConfigError for one that is none."""
    for protocol in CHOICE_PROTOCOLS:
        if protocol == (wanted or CHOICE_PROTOCOLS[0]):
            return protocol
    raise ConfigError(f"--protocol of choices must be {' or '.join(CHOICE_PROTOCOLS)}, not {wanted!r}")


def require_protocol(shape: ChoiceShape, protocol: ChoiceProtocol) -> None:
    """Raise ConfigError for rows of a shape that the protocol says nothing of."""
    if protocol == "lm-eval" and shape.kind == "other":
        raise ConfigError(
            "--protocol lm-eval words HellaSwag, PIQA and ARC only: leave it out, these rows are read as they are"
        )


def worded_question(shape: ChoiceShape, record: Record, protocol: ChoiceProtocol) -> Question:
    """Return a row's question; raises InputError, whose message goes behind the row's origin, as question does."""
    question = shape.question(record)
    if protocol == "plain":
        return question
    if shape.kind == "HellaSwag":
        label, first, second = (_text(record, name) for name in HELLASWAG_PARTS)
        endings = tuple(map(_without_marks, question.endings))
        if not all(endings):
            raise InputError("has an ending of nothing but marks in brackets, which --protocol lm-eval takes away")
        # capitalize lowers all letters but the first, and the published figures have that in them.
        context = _without_marks(f"{label}: {first} {second.capitalize()}")
        return Question(context=context, endings=endings, answer=question.answer)
    return Question(
        context=f"Question: {_text(record, shape.context[0])}\nAnswer:",
        endings=question.endings,
        answer=question.answer,
    )


def _text(record: Record, name: str) -> str:
    try:
        return value_text(record.columns, name)
    except InputError as error:
        raise InputError(f"{error}; --protocol lm-eval needs it") from error


def _without_marks(text: str) -> str:
    """Return a text of HellaSwag without the marks that WikiHow's articles left in it."""
    bare = _BRACKETS.sub("", text.strip().replace(" [title]", ". "))
    return bare.replace("  ", " ")
