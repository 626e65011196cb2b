"""What is recognised as a question with endings, and what is read of its rows."""

from typing import Any

import pytest

from gptcli.data.choice_protocols import require_protocol, worded_question
from gptcli.data.choices import ChoiceShape, Question, choice_shape, require_choice_shape
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError

HELLASWAG = {
    "activity_label": "Pole vault",
    "ctx_a": "He runs  with a pole.",
    "ctx_b": "a few Women",
    "ctx": "He runs  with a pole. a few Women",
    "endings": ["jump [substeps] high.", "watch [title] him."],
    "label": 1,
}
PIQA = {"goal": "Open a jar", "sol1": "twist the lid", "sol2": "eat the lid", "label": 0}
ARC = {"question": "Which is hot?", "choices": {"text": ["ice", "fire"], "label": ["A", "B"]}, "answerKey": "B"}
OTHER = {"context": "One, two,", "endings": ["three", "cow", "four"], "answer": "three"}


def shape_of(row: dict[str, Any]) -> ChoiceShape:
    """Return the shape of data with one row."""
    return require_choice_shape(list(row), [row])


def question(row: dict[str, Any], **changes: object) -> Question:
    """Return the question of a row with some of its columns changed; None leaves one out."""
    changed = {name: value for name, value in {**row, **changes}.items() if value is not ...}
    return shape_of(row).question(Record(source="in", line=1, columns=changed))


@pytest.mark.parametrize(
    ("row", "kind", "expected"),
    [
        (HELLASWAG, "HellaSwag", Question(context=HELLASWAG["ctx"], endings=(*HELLASWAG["endings"],), answer=1)),
        (PIQA, "PIQA", Question(context="Open a jar", endings=("twist the lid", "eat the lid"), answer=0)),
        (ARC, "ARC", Question(context="Which is hot?", endings=("ice", "fire"), answer=1)),
        (OTHER, "other", Question(context="One, two,", endings=("three", "cow", "four"), answer=0)),
    ],
)
def test_each_shape_is_recognised_and_read(row: dict[str, Any], kind: str, expected: Question) -> None:
    assert shape_of(row).kind == kind
    assert question(row) == expected


def test_what_a_protocol_reads_is_known_too() -> None:
    assert shape_of(HELLASWAG).known == {"activity_label", "ctx_a", "ctx_b", "ctx", "endings", "label"}
    assert shape_of(PIQA).known == set(PIQA)


def test_hellaswag_without_its_joined_context_is_joined_by_a_space() -> None:
    row = {name: value for name, value in HELLASWAG.items() if name != "ctx"}
    assert question(row).context == HELLASWAG["ctx"]
    assert question(row, ctx_b="").context == HELLASWAG["ctx_a"]


def test_a_context_and_its_question_are_both_read_and_a_prompt_is_whole() -> None:
    both = {"question": "Who?", "context": "He came.", "options": ["he", "she"], "answer": "A"}
    assert question(both).context == "He came.\nWho?"
    assert question({**both, "prompt": "He came. Who came?"}).context == "He came. Who came?"


def test_arc_may_also_be_a_list_of_objects_and_have_digits_for_labels() -> None:
    choices = [{"text": "ice", "label": 1}, {"text": "fire", "label": 2}]
    assert question({"question_stem": "Hot?", "choices": choices, "answerKey": "2"}).answer == 1


@pytest.mark.parametrize(
    "columns", [("text", "label"), ("question", "answer"), ("goal", "sol1", "label"), ("endings",)]
)
def test_other_data_has_no_such_shape(columns: tuple[str, ...]) -> None:
    assert choice_shape(columns, [dict.fromkeys(columns, "x")]) is None
    with pytest.raises(InputError, match=f"no choices: .*the columns are {', '.join(columns)}"):
        require_choice_shape(columns, [])


def test_endings_that_are_text_are_no_list_and_the_remedy_is_told() -> None:
    row = {**OTHER, "endings": "['a' 'b']"}
    assert choice_shape(list(row), [row]) is None
    with pytest.raises(InputError, match=r"column endings holds no list of endings: write the rows as \.jsonl"):
        require_choice_shape(list(row), [row])


@pytest.mark.parametrize(
    ("answer", "number"),
    [(0, 0), (2, 2), (1.0, 1), ("2", 2), ("b", 1), ("C", 2), (" four ", 2), ("three", 0)],
)
def test_an_answer_is_a_number_a_letter_or_the_ending_itself(answer: object, number: int) -> None:
    assert question(OTHER, answer=answer).answer == number


def test_a_label_in_digits_is_a_number_as_hugging_face_has_hellaswag() -> None:
    assert question(HELLASWAG, label="1").answer == 1


@pytest.mark.parametrize(
    ("row", "changes", "told"),
    [
        (OTHER, {"answer": 3}, "has the answer '3', none of its 3 endings, counted from 0"),
        (OTHER, {"answer": -1}, "has the answer '-1', none of its 3 endings, counted from 0"),
        (OTHER, {"answer": "five"}, "has the answer 'five', none of its 3 endings"),
        (OTHER, {"answer": "D"}, "has the answer 'D', none of its 3 endings"),
        (OTHER, {"answer": 1.5}, "has the answer '1.5', none of its 3 endings"),
        (OTHER, {"answer": True}, "holds a boolean in column answer, not an answer"),
        (OTHER, {"answer": [1]}, "holds an array in column answer, not an answer"),
        (OTHER, {"answer": None}, "has no answer in column answer: rows of a test set have none"),
        (OTHER, {"answer": ...}, "has no column answer: it has context, endings"),
        (HELLASWAG, {"label": ""}, "has no answer in column label: rows of a test set have none"),
        (OTHER, {"endings": ["b", "a"], "answer": "a"}, "has the answer 'a', which is one ending's text and another's"),
        (OTHER, {"endings": ["three"]}, "has 1 endings in column endings: a choice needs two or more"),
        (OTHER, {"endings": []}, "has 0 endings in column endings: a choice needs two or more"),
        (OTHER, {"endings": ["three", " "]}, "has an empty ending .number 1, counted from 0."),
        (OTHER, {"endings": ["three", None]}, "has no value in column endings"),
        (OTHER, {"endings": ["three", ["four"]]}, "holds an array in column endings, not text"),
        (OTHER, {"endings": "three"}, "holds a string in column endings, not a list of endings"),
        (OTHER, {"endings": ...}, "has no column endings: it has context, answer"),
        (OTHER, {"context": None}, "has no value in column context"),
        (PIQA, {"sol2": ""}, "has an empty ending .number 1, counted from 0."),
        (ARC, {"answerKey": "C"}, "has the answer 'C', none of its endings' labels A, B"),
        (ARC, {"choices": {"text": ["ice"], "label": []}}, "holds an object in column choices, not a list of endings"),
    ],
)
def test_a_row_without_an_answer_among_two_endings_says_why(
    row: dict[str, Any], changes: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=f"^{told}"):
        question(row, **changes)


def test_a_row_that_could_not_be_read_says_so() -> None:
    with pytest.raises(InputError, match="is not JSON"):
        shape_of(OTHER).question(Record(source="in", line=1, error="is not JSON"))


def worded(row: dict[str, Any], **changes: object) -> Question:
    """Return a row's question as the harness words it."""
    return worded_question(shape_of(row), Record(source="in", line=1, columns={**row, **changes}), "lm-eval")


def test_the_harness_words_hellaswag_without_marks_and_with_its_activity() -> None:
    found = worded(HELLASWAG, ctx_b="a few [step] Women")
    assert found.context == "Pole vault: He runs with a pole. A few  women".replace("  ", " ")
    assert found.endings == ("jump high.", "watch.  him.".replace("  ", " "))
    assert found.answer == 1


def test_the_harness_words_piqa_and_arc_as_questions() -> None:
    assert worded(PIQA).context == "Question: Open a jar\nAnswer:"
    assert worded(ARC) == Question(context="Question: Which is hot?\nAnswer:", endings=("ice", "fire"), answer=1)


def test_what_the_harness_needs_and_a_row_lacks_is_told() -> None:
    with pytest.raises(InputError, match="has no value in column activity_label; --protocol lm-eval needs it"):
        worded(HELLASWAG, activity_label=None)
    with pytest.raises(InputError, match="an ending of nothing but marks"):
        worded(HELLASWAG, endings=["[header]", "b"])


def test_the_harness_has_no_words_for_other_rows() -> None:
    require_protocol(shape_of(OTHER), "plain")
    require_protocol(shape_of(PIQA), "lm-eval")
    with pytest.raises(ConfigError, match="--protocol lm-eval words HellaSwag, PIQA and ARC only"):
        require_protocol(shape_of(OTHER), "lm-eval")
