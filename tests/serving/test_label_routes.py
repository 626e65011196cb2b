"""/v1/classify says what the classify command says, of a model's own labels and of labels in words."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.tasks.classify import classify
from gptcli.tasks.config import ClassifyConfig
from gptcli.tasks.events import Classified
from gptcli.tasks.labelling.options import LabelOptions, labels_of
from tests.classifiers import save_random_classifier
from tests.serving.asking import app_of
from tests.serving.sending import answer, error_of, post

TEXTS = ["what a day", "so sad", "x"]


def classified(directory: Path, texts: list[str], labels: LabelOptions | None = None) -> list[Classified]:
    """Return what the task says."""
    records = [Record(source="test", line=line, columns={"text": text}) for line, text in enumerate(texts, 1)]
    options = ModelOptions(model=str(directory), device="cpu")
    events = classify(ClassifyConfig(records=records, model=options, labels=labels))
    return [event for event in events if isinstance(event, Classified)]


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("classifiers")
    return {
        "moods": save_random_classifier(place / "moods", "glad", "sad", "calm"),
        "tags": save_random_classifier(place / "tags", "a", "b", kind="multi_label_classification", seed=3),
        "stars": save_random_classifier(place / "stars", "stars", kind="regression", seed=4),
    }


@pytest.fixture(scope="module")
def app(tiny: Path, directories: dict[str, Path]) -> FastAPI:
    return app_of(tiny, *directories.values())


@pytest.mark.parametrize("name", ["moods", "tags", "stars"])
def test_a_models_own_labels_are_those_of_the_command(app: FastAPI, directories: dict[str, Path], name: str) -> None:
    told = answer(app, "/v1/classify", model=name, input=TEXTS)
    expected = classified(directories[name], TEXTS)
    assert (told["object"], told["model"], told["kind"]) == ("list", name, expected[0].kind)
    for row, event in zip(told["data"], expected, strict=True):
        assert row["index"] == event.index
        assert row["labels"] == list(event.labels)
        assert row["probabilities"] == pytest.approx(dict(event.probabilities), abs=1e-6)
        assert row["value"] == (None if event.value is None else pytest.approx(event.value, abs=1e-5))
        assert row["tokens"] == event.tokens
        assert row["label"] == (event.labels[0] if event.kind == "single" else None)


def test_one_text_is_one_answer_of_the_first_classifier(app: FastAPI) -> None:
    told = answer(app, "/v1/classify", input="what a day")
    assert (told["model"], len(told["data"])) == ("moods", 1)
    assert sum(told["data"][0]["probabilities"].values()) == pytest.approx(1)


def test_labels_in_words_are_chosen_as_the_command_chooses_them(builtin: Path) -> None:
    app = app_of(builtin)
    labels = ["happy", " angry "]
    told = answer(app, "/v1/classify", input=["I won!", "Go away."], labels=labels)
    expected = classified(builtin, ["I won!", "Go away."], LabelOptions(labels=labels_of("happy,angry")))
    for row, event in zip(told["data"], expected, strict=True):
        assert row["label"] == event.labels[0]
        assert row["probabilities"] == pytest.approx(dict(event.probabilities), abs=1e-4)
        assert list(row["probabilities"]) == ["happy", "angry"]


def test_a_text_that_the_prompt_leaves_no_room_for_is_refused_not_cut(builtin: Path) -> None:
    error = error_of(post(app_of(builtin), "/v1/classify", input="so it goes " * 300, labels=["happy", "angry"]))
    assert error["code"] == "context_length_exceeded"
    assert "input: has" in error["message"]


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"input": "x" * 49, "model": "moods"}, "input", "has 49 tokens, and there is room for 48"),
        ({"input": ["a"] * 129, "model": "moods"}, "input", "has 129 texts"),
        ({"input": "\ud800", "model": "moods"}, "input", "surrogate"),
        ({"input": "a", "labels": ["x", "y"], "model": "moods"}, "labels", "was tuned to tell glad, sad, calm"),
        ({"input": "a", "labels": ["x", " x"]}, "labels", "has the label x more than once"),
        ({"input": "a", "labels": ["x", " "]}, "labels", "a label without a name"),
        ({"input": "a", "model": "nobody"}, "model", "is not served here"),
    ],
)
def test_what_cannot_be_labelled_is_told_with_its_field(app: FastAPI, body: dict, param: str, said: str) -> None:
    error = error_of(post(app, "/v1/classify", **body))
    assert error["param"] == param
    assert said in error["message"]


def test_a_language_model_wants_labels(app: FastAPI, tiny: Path) -> None:
    response = post(app, "/v1/classify", input="a", model=tiny.name)
    assert (response.status_code, error_of(response)["param"]) == (400, "labels")


def test_a_classifier_does_not_write_nor_show_what_it_thinks(app: FastAPI) -> None:
    for path, body in (("/v1/next", {"text": "a"}), ("/v1/embeddings", {"input": "a"})):
        error = error_of(post(app, path, model="moods", **body))
        assert (error["param"], error["code"]) == ("model", "wrong_model_kind")
