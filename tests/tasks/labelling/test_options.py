"""Which labels in words make sense, and how they are read from a file."""

from pathlib import Path
from typing import Any

import pytest

from gptcli.errors import ConfigError, InputError
from gptcli.tasks.labelling.label_file import read_labels_file
from gptcli.tasks.labelling.options import LabelOptions, LabelText, labels_of

DESCRIBED = (LabelText(name="pos", text="a good one"), LabelText(name="neg", text="neg"))


def test_labels_are_parted_by_commas_and_go_by_their_names() -> None:
    assert labels_of("good, so so ,bad") == tuple(LabelText(name=name, text=name) for name in ("good", "so so", "bad"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"labels": labels_of("one")}, "--labels needs two labels or more to choose from: there is one, one"),
        ({"labels": ()}, "--labels needs two labels or more to choose from: there is none"),
        ({"labels": labels_of("a,b,a")}, "--labels has the label a more than once"),
        (
            {"labels": (*DESCRIBED, LabelText(name="x", text="a good one"))},
            "the labels pos and x have the same description",
        ),
        ({"labels": (*DESCRIBED, LabelText(name="", text=""))}, "--labels has a label without a name"),
        ({"template": "{label}"}, "--template has no {text}"),
        ({"scoring": "pmi", "calibrate": True}, "--calibrate does not go with --scoring pmi"),
        ({"shots": 3}, "--shots needs --examples FILE"),
        ({"examples": "x.csv", "shots": 0}, "--shots must be at least 1, not 0"),
        ({"seed": -1}, "--seed must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        LabelOptions(**{"labels": DESCRIBED, **options})
    assert str(error.value).startswith(told)


def test_an_empty_label_is_refused() -> None:
    with pytest.raises(ConfigError, match="--labels 'a,,b' has an empty label"):
        labels_of("a,,b")


@pytest.mark.parametrize(("scoring", "calibrated"), [("sum", True), ("mean", True), ("pmi", False)])
def test_scores_are_calibrated_but_for_those_that_are_measured_against_no_text_already(
    scoring: Any, calibrated: bool
) -> None:
    assert LabelOptions(labels=DESCRIBED, scoring=scoring).calibrated is calibrated
    assert not LabelOptions(labels=DESCRIBED, scoring=scoring, calibrate=False).calibrated


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.txt", "pos\ta good one\n\nneg\n"),
        ("l.txt", "pos\t a good one \r\nneg\t\r\n"),
        ("l.csv", "label,description\npos,a good one\nneg,\n"),
        ("l.csv", "id,Label,description\n1,pos,a good one\n2,neg,\n"),
        ("l.tsv", "pos\ta good one\nneg\tneg\n"),
        ("l.jsonl", '{"label": "pos", "description": "a good one"}\n{"label": "neg"}\n'),
        ("l.json", '{"pos": "a good one",\n "neg": ""}'),
        ("l.json", '[{"label": "pos", "description": "a good one"}, "neg"]'),
    ],
)
def test_a_file_has_labels_and_their_descriptions(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_labels_file(str(tmp_path / name)) == DESCRIBED


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("l.txt", "", "l.txt is empty"),
        ("l.json", "{", "l.json is not JSON"),
        ("l.json", "[1]", "l.json: label 1 is neither a name nor an object"),
        ("l.json", '{"pos": "a", "neg": "b", "pos": "c"}', "l.json: has pos more than once"),
        ("l.json", "7", "l.json: label 1 is neither a name nor an object"),
        ("l.csv", "label,description\npos\n", "l.csv:2: has 1 cell"),
        ("l.jsonl", '{"label": ["a"]}\n', "l.jsonl:1: holds an array in column label"),
    ],
)
def test_a_file_of_labels_that_cannot_be_read_says_where(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as error:
        read_labels_file(str(tmp_path / name))
    assert told in str(error.value)


def test_a_file_of_labels_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match=r"cannot read no\.txt: No such file"):
        read_labels_file("no.txt")
