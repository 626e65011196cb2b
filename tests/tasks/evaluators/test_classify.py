"""The task classify: figures are scikit-learn's on transformers' probabilities; labels of any kind, and none."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import spearmanr
from sklearn import metrics

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError, MissingExtraError, OutputError
from gptcli.evaluation.classification import classification_report
from gptcli.evaluation.scores import joined_scores
from gptcli.tasks.evaluators import classify_options
from gptcli.tasks.evaluators.classify_options import ClassifyOptions
from gptcli.tasks.events import Notice
from gptcli.tasks.labelling.options import LabelOptions, labels_of
from tests.classifiers import reference_logits, save_random_classifier
from tests.tasks.evaluators.scoring import differences, figures, records, roles, score

GENERATOR = random.Random(7)
TEXTS = tuple("".join(GENERATOR.choices("abcdefgh ijk.", k=GENERATOR.randint(1, 30))) for _ in range(40))
NAMES = ("bad", "good", "so-so")
ROLES = roles("classify", ("text", "y"), text="text", label="y")
PLAIN = ClassifyOptions()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of three classes."""
    return save_random_classifier(tmp_path_factory.mktemp("single"), *NAMES)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of two classes."""
    return save_random_classifier(tmp_path_factory.mktemp("two"), "no", "yes", seed=3)


@pytest.fixture(scope="module")
def multi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier whose labels do not exclude each other."""
    return save_random_classifier(tmp_path_factory.mktemp("multi"), "a", "b", "c", kind="multi_label_classification")


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of one number."""
    return save_random_classifier(tmp_path_factory.mktemp("regression"), "LABEL_0", kind=None)


def logits(model: Path, texts: tuple[str, ...] = TEXTS) -> Any:
    """Return transformers' logits of texts."""
    tokenizer = load_tokenizer(model, read_config(model))
    return np.stack([reference_logits(model, tokenizer.encode(text)) for text in texts])


def drawn(names: tuple[str, ...], seed: int = 1) -> list[Any]:
    """Return a label for each text."""
    return random.Random(seed).choices(names, k=len(TEXTS))


def rows(labels: list[Any]) -> list[Record]:
    return records({"text": TEXTS, "y": labels})


def test_figures_of_classes_are_scikit_learns_of_transformers_probabilities(single: Path) -> None:
    true = drawn(NAMES)
    probabilities = softmax(logits(single), axis=1)
    guesses = [NAMES[number] for number in probabilities.argmax(1)]
    evaluator = PLAIN.evaluator(ROLES)
    found = score(evaluator, single, rows(true))
    values = {name: each.value for name, each in figures(evaluator, found.scores).items()}
    report = classification_report(
        [NAMES.index(name) for name in true], probabilities.argmax(1), classes=3, probabilities=probabilities
    )
    assert values == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(true, guesses),
            "macro_f1": metrics.f1_score(true, guesses, average="macro"),
            "weighted_f1": metrics.f1_score(true, guesses, average="weighted"),
            "matthews": metrics.matthews_corrcoef(true, guesses),
            "calibration_error": report.calibration_error,
            "brier": metrics.brier_score_loss(true, probabilities, labels=NAMES, scale_by_half=False),
        },
        abs=1e-5,
    )
    details = evaluator.details(found.scores)
    assert details["labels"] == list(NAMES)
    assert details["confusion"] == metrics.confusion_matrix(true, guesses, labels=NAMES).tolist()
    columns = metrics.precision_recall_fscore_support(true, guesses, labels=NAMES, zero_division=0)
    for name, precision, recall, f1, support in zip(NAMES, *columns, strict=True):
        expected = {"precision": precision, "recall": recall, "f1": f1, "support": support}
        assert details["classes"][name] == pytest.approx(expected)  # type: ignore[index]
    assert sum(each["rows"] for each in details["reliability"]) == 40  # type: ignore[attr-defined]


def test_of_two_classes_there_is_an_auroc(two: Path) -> None:
    true = drawn(("no", "yes"))
    evaluator = PLAIN.evaluator(ROLES)
    found = figures(evaluator, score(evaluator, two, rows(true)).scores)
    expected = metrics.roc_auc_score([name == "yes" for name in true], softmax(logits(two), axis=1)[:, 1])
    assert found["auroc"].value == pytest.approx(expected)
    assert next(iter(found)) == "accuracy"
    assert all(each.low <= each.value <= each.high for each in found.values())


def test_figures_of_several_labels_are_scikit_learns(multi: Path) -> None:
    true = [[name for name in "abc" if GENERATOR.random() < 0.5] for _ in TEXTS]
    given = expit(logits(multi)) >= 0.3
    evaluator = ClassifyOptions(threshold=0.3).evaluator(ROLES)
    scores = score(evaluator, multi, rows(list(true))).scores
    truth = np.array([[name in names for name in "abc"] for names in true])
    assert {name: each.value for name, each in figures(evaluator, scores).items()} == pytest.approx(
        {
            "subset_accuracy": metrics.accuracy_score(truth, given),
            "micro_f1": metrics.f1_score(truth, given, average="micro", zero_division=0),
            "macro_f1": metrics.f1_score(truth, given, average="macro", zero_division=0),
        }
    )
    row = evaluator.row(scores, 2)
    assert row["label"] == true[2]
    assert row["predicted"] == [name for name, has in zip("abc", given[2], strict=True) if has]
    joined = ClassifyOptions(threshold=0.3, label_separator=";").evaluator(ROLES)
    parted = score(joined, multi, rows([";".join(names) or [] for names in true])).scores
    assert figures(joined, parted) == figures(evaluator, scores)


def test_figures_of_numbers_are_scikit_learns_and_scipys(regression: Path) -> None:
    predicted = logits(regression)[:, 0].astype(float)
    true = (predicted + np.random.default_rng(0).normal(0, 1, 40)).round(2)
    evaluator = PLAIN.evaluator(ROLES)
    scores = score(evaluator, regression, rows([str(value) for value in true])).scores
    found = figures(evaluator, scores)
    assert {name: each.value for name, each in found.items()} == pytest.approx(
        {
            "rmse": metrics.root_mean_squared_error(true, predicted),
            "mae": metrics.mean_absolute_error(true, predicted),
            "r2": metrics.r2_score(true, predicted),
            "pearson": np.corrcoef(true, predicted)[0, 1],
            "spearman": spearmanr(true, predicted).statistic,
        },
        abs=1e-5,
    )
    assert all(each.low <= each.value <= each.high for each in found.values())
    assert evaluator.row(scores, 0)["label"] == true[0]
    assert evaluator.details(scores) == {}


def test_labels_that_the_model_does_not_have_count_as_wrong_and_are_told(single: Path) -> None:
    true = [*drawn(NAMES)[:-4], "great", "great", "awful", "great"]
    guesses = [NAMES[number] for number in logits(single).argmax(1)]
    evaluator = PLAIN.evaluator(ROLES)
    found = score(evaluator, single, rows(true))
    values = {name: each.value for name, each in figures(evaluator, found.scores).items()}
    assert found.warnings == [
        "rows with a label that the model does not have (it has bad, good, so-so), counted as wrong: 4 (first: in:37)"
    ]
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(true, guesses))
    assert values["macro_f1"] == pytest.approx(metrics.f1_score(true, guesses, average="macro", zero_division=0))
    assert values["matthews"] == pytest.approx(metrics.matthews_corrcoef(true, guesses))
    every = (*NAMES, "awful", "great")
    padded = np.pad(softmax(logits(single), axis=1), ((0, 0), (0, 2)))
    assert values["brier"] == pytest.approx(
        np.square(padded - np.array([[n == t for n in every] for t in true])).sum(1).mean()
    )
    details = evaluator.details(found.scores)
    assert details["labels"] == list(every)
    assert details["unknown_labels"] == ["awful", "great"]
    assert details["confusion"] == metrics.confusion_matrix(true, guesses, labels=every).tolist()
    assert evaluator.row(found.scores, 36)["label"] == "great"


@pytest.mark.parametrize("kind", ["single", "multi", "regression"])
def test_labels_that_are_all_spelled_differently_are_remarked_upon(kind: str, request: pytest.FixtureRequest) -> None:
    model, evaluator = request.getfixturevalue(kind), PLAIN.evaluator(ROLES)
    labels = [f"{number % 6}" for number in range(40)]
    scores = score(evaluator, model, rows(labels)).scores
    has = {"single": "bad, good, so-so", "multi": "a, b, c"}
    told = "all 40 rows have a label that the model does not have, and count as wrong: 0, 1, 2, 3, 4, ...; it has "
    assert list(evaluator.remarks(scores)) == ([f"{told}{has[kind]}: spell them alike"] if kind in has else [])
    mixed = [*labels[1:], "1" if kind == "regression" else has[kind].split(", ")[0]]
    assert not list(evaluator.remarks(score(evaluator, model, rows(mixed)).scores))


def test_unknown_labels_of_several_count_as_never_given(multi: Path) -> None:
    given = [[name for name, has in zip("abc", row, strict=True) if has] for row in expit(logits(multi)) >= 0.5]
    true = [[*names, "d"] if number == 0 else names for number, names in enumerate(given)]
    evaluator = PLAIN.evaluator(ROLES)
    found = score(evaluator, multi, rows(list(true)))
    assert len(found.warnings) == 1
    values = {name: each.value for name, each in figures(evaluator, found.scores).items()}
    truth, guesses = (np.array([[n in names for n in "abcd"] for names in rows_]) for rows_ in (true, given))
    assert values["subset_accuracy"] == 39 / 40
    assert values["micro_f1"] == pytest.approx(metrics.f1_score(truth, guesses, average="micro", zero_division=0))
    assert values["macro_f1"] == pytest.approx(metrics.f1_score(truth, guesses, average="macro", zero_division=0))


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_column_of_something_else_than_labels_is_refused_in_one_process_and_behind_several(
    kind: str, request: pytest.FixtureRequest
) -> None:
    told = r"column y holds more than 1,000 labels that the model does not have: name the right one with --label-column"
    model, evaluator = request.getfixturevalue(kind), PLAIN.evaluator(ROLES)
    ids = records({"text": ["a"] * 1001, "y": [f"id {number}" for number in range(1001)]})
    with pytest.raises(InputError, match=told):
        score(evaluator, model, ids)
    assert figures(evaluator, score(evaluator, model, ids[1:]).scores)["macro_f1"].value == 0
    parts = [score(evaluator, model, part).scores for part in (ids[:500], ids[500:])]
    with pytest.raises(InputError, match=told):
        figures(evaluator, joined_scores(parts))


def test_one_class_alone_has_no_auroc_and_no_correlation_but_no_crash(two: Path) -> None:
    evaluator = PLAIN.evaluator(ROLES)
    found = figures(evaluator, score(evaluator, two, rows(["yes"] * 40)).scores)
    assert np.isnan(found["auroc"].value)
    assert found["matthews"].value == 0
    assert found["accuracy"].value == (logits(two).argmax(1) == 1).mean()


@pytest.mark.parametrize("nothing", [None, "", " ", float("nan")])
def test_rows_without_a_label_are_left_out_and_told(single: Path, nothing: object) -> None:
    labels = [*drawn(NAMES)[:38], nothing, nothing]
    found = score(PLAIN.evaluator(ROLES), single, rows(labels))
    assert found.warnings == ["rows left out: they have no label: 2 (first: in:39)"]
    assert found.done == found.scores.index.tolist() == list(range(38))
    assert found.failed == {}


def test_rows_without_text_or_with_what_is_no_label_fail_and_the_others_do_not(single: Path, regression: Path) -> None:
    torn = records(
        {"text": [ValueError("is torn"), "b", None, "d", "e"], "y": ["bad", {"a": 1}, "bad", ["bad", "good"], 3.0]}
    )
    assert score(PLAIN.evaluator(ROLES), single, torn).failed == {
        0: "is torn",
        1: "holds an object for a label",
        2: "has no value in column text",
        3: "holds a list of labels, and the model gives each text one",
    }
    numbers = records({"text": ["a", "b"], "y": ["1,5", "2"]})
    assert score(PLAIN.evaluator(ROLES), regression, numbers).failed == {
        0: "has the label 1,5, which is not a number: write a point for its comma"
    }


def test_the_order_of_rows_changes_no_figure_and_the_batch_no_row(two: Path) -> None:
    true = drawn(("no", "yes"))
    order = GENERATOR.sample(range(40), 40)
    evaluator = PLAIN.evaluator(ROLES)
    whole = score(evaluator, two, rows(true)).scores
    shuffled = score(evaluator, two, [rows(true)[number] for number in order], batch_size=3).scores
    for name, column in whole.columns.items():
        assert shuffled.columns[name] == pytest.approx(column[order], abs=1e-5)
    ours, theirs = figures(evaluator, whole), figures(evaluator, shuffled)
    assert {name: each.value for name, each in ours.items()} == pytest.approx(
        {name: each.value for name, each in theirs.items()}, abs=1e-5
    )


def test_two_models_are_compared_by_label_whatever_the_order_of_their_classes(two: Path, tmp_path: Path) -> None:
    other = save_random_classifier(tmp_path, "yes", "no", seed=9)
    evaluator = PLAIN.evaluator(ROLES)
    true = drawn(("no", "yes"))
    first, second = (score(evaluator, model, rows(true)).scores for model in (two, other))
    ours, theirs = figures(evaluator, first), figures(evaluator, second)
    right = logits(two).argmax(1) == [name == "yes" for name in true]
    right_too = logits(other).argmax(1) == [name == "no" for name in true]
    told = differences(evaluator, first, second)
    assert list(told) == list(ours)
    for name, comparison in told.items():
        assert comparison.difference.value == pytest.approx(ours[name].value - theirs[name].value, abs=1e-9)
    assert told["accuracy"].wins == np.count_nonzero(right & ~right_too)
    assert told["accuracy"].losses == np.count_nonzero(~right & right_too)


def test_labels_of_another_kind_do_not_compare(two: Path, regression: Path, single: Path) -> None:
    evaluator = PLAIN.evaluator(ROLES)
    scores = [
        score(evaluator, model, rows(labels)).scores
        for model, labels in ((two, drawn(("no", "yes"))), (regression, [1] * 40), (single, drawn(NAMES)))
    ]
    with pytest.raises(ConfigError, match="labels of different kinds"):
        evaluator.differences(scores[0], scores[1], None)  # type: ignore[arg-type]
    assert "auroc" not in differences(evaluator, scores[0], scores[2])


def test_labels_in_words_are_measured_as_those_of_a_head(builtin: Path) -> None:
    words = LabelOptions(labels=labels_of("sad,happy"), template="{text} She was {label}")
    evaluator = ClassifyOptions(labels=words).evaluator(ROLES)
    texts = ["Her dog had died.", "It was her birthday!", "She smiled.", "She cried."]
    found = score(evaluator, builtin, records({"text": texts, "y": ["sad", "happy", "happy", "sad"]}))
    values = figures(evaluator, found.scores)
    assert {"accuracy", "auroc", "brier"} <= set(values)
    row = evaluator.row(found.scores, 0)
    assert json.loads(json.dumps(row)) == row
    assert sum(row["probabilities"].values()) == pytest.approx(1)  # type: ignore[attr-defined]
    assert tuple(values) == evaluator.metrics
    told = evaluator.convention
    assert told["labels"] == ["sad", "happy"]
    assert told["calibrate"] is True
    assert "examples" not in told
    json.dumps(told)


def test_of_labels_in_words_that_a_model_was_tuned_on_its_head_tells(two: Path) -> None:
    truth = rows(drawn(("no", "yes")))
    words = ClassifyOptions(labels=LabelOptions(labels=labels_of("yes,no"))).evaluator(ROLES)
    asked, own = score(words, two, truth), score(PLAIN.evaluator(ROLES), two, truth)
    assert figures(words, asked.scores) == figures(words, own.scores)
    told = "tuned to tell these very labels, and so not asked for them in words: they come from the head of"
    assert [text for text in asked.warnings if text.startswith(told)] == [f"{told} {two.name}"]
    others = ClassifyOptions(labels=LabelOptions(labels=labels_of("yes,no,maybe"))).evaluator(ROLES)
    with pytest.raises(ConfigError, match="was tuned to tell no, yes, and not yes, no, maybe: leave --labels out"):
        score(others, two, truth)


def test_pictures_are_drawn_for_each_model(two: Path, single: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    evaluator = ClassifyOptions(plots=str(tmp_path / "a" / "b")).evaluator(ROLES)
    scores = score(evaluator, single, rows([*drawn(NAMES)[:-1], "great"])).scores
    (told,) = evaluator.draw(scores, "./runs/best one")
    assert isinstance(told, Notice)
    drawn_files = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert drawn_files == ["confusion-runs-best-one.png", "reliability-runs-best-one.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"--plot .*file: File exists"):
        list(ClassifyOptions(plots=str(tmp_path / "file")).evaluator(ROLES).draw(scores, "m"))
    assert list(PLAIN.evaluator(ROLES).draw(scores, "m")) == []


def test_an_option_that_the_labels_have_no_use_for_is_refused(
    single: Path, multi: Path, regression: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, model, told in (
        (ClassifyOptions(threshold=0.5), single, "--threshold cannot apply: single.* gives each text one class"),
        (
            ClassifyOptions(label_separator=";"),
            regression,
            "--label-separator cannot apply: .* gives each text a number",
        ),
        (
            ClassifyOptions(plots=str(tmp_path)),
            multi,
            "--plot cannot apply: multi.* gives each text any number of labels",
        ),
    ):
        with pytest.raises(ConfigError, match=told):
            score(options.evaluator(ROLES), model, rows(drawn(NAMES)))
    with pytest.raises(ConfigError, match="--threshold must be between 0 and 1, not 2"):
        ClassifyOptions(threshold=2)
    with pytest.raises(ConfigError, match="--label-separator must not be empty"):
        ClassifyOptions(label_separator=" ")
    with pytest.raises(ConfigError, match="--threshold cannot apply: each text is given one of --labels"):
        ClassifyOptions(threshold=0.5, labels=LabelOptions(labels=labels_of("a,b")))
    monkeypatch.setattr(classify_options, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'--plot needs matplotlib: pip install "gptcli\[plot\]"'):
        ClassifyOptions(plots="d")


@pytest.mark.parametrize("kind", ["single", "multi", "regression"])
def test_no_rows_at_all_have_the_same_columns(kind: str, request: pytest.FixtureRequest) -> None:
    model, evaluator = request.getfixturevalue(kind), PLAIN.evaluator(ROLES)
    labels: list[Any] = {"single": drawn(NAMES), "multi": [["a"]] * 40, "regression": [1] * 40}[kind]
    some, none = (score(evaluator, model, rows(labels)[:count]).scores for count in (3, 0))
    assert some.columns.keys() == none.columns.keys()
    assert some.texts.keys() == none.texts.keys()
    assert all(np.isnan(each.value) for each in figures(evaluator, none).values())
