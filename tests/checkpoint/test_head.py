"""What a classification head tells apart, by config.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.head import read_labels, refuse_classifier
from gptcli.checkpoint.weights import open_weights
from gptcli.data.labels import LabelSet
from gptcli.errors import ModelError
from tests.classifiers import save_random_classifier
from tests.conftest import save_random_gpt2


def labels(directory: Path, **changes: Any) -> LabelSet:
    """Read the labels of a checkpoint, its configuration changed; None takes a member out."""
    path = directory / "config.json"
    raw = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({name: value for name, value in raw.items() if value is not None}), encoding="utf-8")
    config = read_config(directory)
    return read_labels(directory, "mine", open_weights(directory, config), config)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Return a classifier of three labels."""
    return save_random_classifier(tmp_path, "bad", "good", "so-so")


def test_labels_come_in_the_order_of_the_heads_rows(three: Path) -> None:
    found = labels(three, id2label={"2": "so-so", "0": "bad", "1": "good"})
    assert (found.kind, found.names) == ("single", ("bad", "good", "so-so"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [("multi_label_classification", "multi"), ("single_label_classification", "single"), (None, "single")],
)
def test_the_problem_type_is_the_kind_of_label(three: Path, said: str | None, kind: str) -> None:
    assert labels(three, problem_type=said).kind == kind


def test_one_label_is_a_regression_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    directory = save_random_classifier(tmp_path, "LABEL_0", kind=None)
    assert labels(directory) == LabelSet(kind="regression", names=())
    assert labels(directory, problem_type="multi_label_classification").names == ("LABEL_0",)


def test_labels_that_nobody_named_are_called_as_in_transformers(three: Path) -> None:
    assert labels(three, id2label=None).names == ("LABEL_0", "LABEL_1", "LABEL_2")


def test_a_model_without_a_head_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"mine has no classification head; .*gptcli finetune DATA -m mine -o DIR"):
        labels(save_random_gpt2(tmp_path))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"problem_type": "ranking"},
            "problem_type 'ranking' is not supported; supported: single_label_classification",
        ),
        ({"problem_type": "regression"}, "a regression of 3 numbers is not supported"),
        ({"id2label": {"0": "bad", "1": "good"}}, "id2label must name the labels 0 to 2, the rows of score.weight"),
        ({"id2label": ["bad", "good", "so-so"]}, "id2label must name"),
        ({"id2label": {"0": "bad", "1": "good", "2": "bad"}}, "gives the name 'bad' to two labels"),
    ],
)
def test_a_configuration_that_does_not_fit_its_head_is_refused(three: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        labels(three, **changes)


def test_a_classifier_is_not_taken_for_a_model_that_writes(three: Path) -> None:
    """It wrote nonsense without a word: generate -m CLASSIFIER."""
    weights = open_weights(three, read_config(three))
    with pytest.raises(ModelError, match=r"mine is a classifier.*gptcli classify -m mine"):
        refuse_classifier("mine", weights)


def test_a_model_without_a_head_may_write(tmp_path: Path) -> None:
    directory = save_random_gpt2(tmp_path)
    weights = open_weights(directory, read_config(directory))
    refuse_classifier("mine", weights)
    assert weights.tied, "it has the token embedding as its head"
