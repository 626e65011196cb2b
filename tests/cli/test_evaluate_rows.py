"""gptcli evaluate on rows with labels and with completions, as a user calls it, with tiny models."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gptcli.cli.evaluate_labels import label_blocks
from gptcli.tasks.evaluate_events import ModelReport
from tests.classifiers import save_random_classifier
from tests.command import Ended, gptcli

REVIEWS = ["I loved it", "dull", "so dull", "not bad", "a film", "hm", "what a mess", "fine"]
LABELS = ["good", "bad", "bad", "good", "good", "bad", "bad", "great"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of two classes."""
    return save_random_classifier(tmp_path_factory.mktemp("tuned"), "bad", "good")


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory with labelled reviews, and with questions and answers."""
    monkeypatch.chdir(tmp_path)
    with open("reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("review", "sentiment"), *zip(REVIEWS, LABELS, strict=True)])
    questions = ({"question": f"What is {word}?", "answer": [word, f"the {word}"]} for word in REVIEWS)
    Path("faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions), encoding="utf-8")


def evaluate(line: str, model: Path) -> Ended:
    return gptcli(f"evaluate {line} -m {shlex.quote(str(model))} --device cpu --bootstrap 100")


def test_labels_are_measured_and_each_is_shown(tuned: Path) -> None:
    ended = evaluate("reviews.csv", tuned)
    out = ended.out.decode()
    assert ended.code == 0, ended.err
    assert re.search(r"^accuracy +0\.\d{4} \[0\.\d{4}, \d\.\d{4}\]$", out, re.M)
    assert re.search(r"^AUROC ", out, re.M)
    assert re.search(
        r"^ +precision +recall +F1 +rows\nbad ( +0\.\d{4}| +1\.0000){3} +4\ngood .* 3\ngreat .* 1$", out, re.M
    )
    assert re.search(
        r"^true, down; given, across +bad +good +great\nbad +\d +\d +0\ngood +\d +\d +0\ngreat ", out, re.M
    )
    assert "rows with a label that the model does not have (it has bad, good), counted as wrong: 1" in ended.err


def test_labels_that_are_all_spelled_differently_are_warned_of(tuned: Path) -> None:
    Path("upper.csv").write_text(Path("reviews.csv").read_text().replace(",g", ",G").replace(",b", ",B"))
    told = (
        "all 8 rows have a label that the model does not have, and count as wrong: Bad, Good, Great; it has bad, good"
    )
    assert f"gptcli: warning: {told}: spell them alike\n" in evaluate("upper.csv", tuned).err


def test_json_has_the_confusion_matrix_and_pictures_are_drawn(tuned: Path) -> None:
    pytest.importorskip("matplotlib")
    ended = evaluate("reviews.csv --json --plot pictures", tuned)
    (model,) = json.loads(ended.out)["models"]
    assert sum(map(sum, model["details"]["confusion"])) == len(REVIEWS)
    assert model["details"]["unknown_labels"] == ["great"]
    assert len(list(Path("pictures").glob("*.png"))) == 2


def test_rows_of_labels_are_written(tuned: Path) -> None:
    ended = evaluate("reviews.csv --per-row rows.jsonl --limit 3", tuned)
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == [0, 1, 2]
    (answer,) = rows[0]["scores"].values()
    assert answer["label"] == "good"
    assert answer["predicted"] in ("bad", "good")


def test_labels_in_words_need_no_tuned_model(builtin: Path) -> None:
    ended = evaluate(r"reviews.csv --labels bad,good --template 'Review: {text}\nIt is {label}'", builtin)
    assert ended.code == 0, ended.err
    assert "template Review: {text}" in " ".join(ended.out.decode().split())


def test_completions_are_measured_and_texts_written(tiny: Path) -> None:
    pytest.importorskip("sacrebleu")
    pytest.importorskip("rouge_score")
    ended = evaluate("faq.jsonl --max-new-tokens 5 --per-row rows.jsonl", tiny)
    assert ended.code == 0, ended.err
    figures = re.findall(r"^(\S.*?)  +[\d.,]+(?: \[|$)", ended.out.decode(), re.M)
    assert figures == [
        "bits per byte of the references",
        "nats per token of the references",
        "perplexity of the references",
        "exact match",
        "exact match, normalized as in SQuAD",
        "token F1",
        *("BLEU", "chrF", "ROUGE-1", "ROUGE-2", "ROUGE-L"),
    ]
    assert "nrefs:2|case:mixed" in ended.out.decode()
    (row,) = json.loads(Path("rows.jsonl").read_text().splitlines()[0])["scores"].values()
    assert row["prompt"] == "Question: What is I loved it?\nAnswer:"
    assert row["references"] == ["I loved it", "the I loved it"]


def test_only_the_likelihood_is_measured_where_nothing_is_to_be_written(tiny: Path) -> None:
    ended = evaluate("faq.jsonl --no-generate --json", tiny)
    (model,) = json.loads(ended.out)["models"]
    assert list(model["figures"]) == ["bits_per_byte", "nats_per_token", "perplexity"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--no-generate --max-new-tokens 3", "--max-new-tokens cannot apply with --no-generate"),
        ("--no-generate --stop x", "--stop cannot apply with --no-generate"),
        ("--length-penalty 2 --task complete", "--length-penalty needs --num-beams 2 or more"),
        ("--task complete --template chapter", "--template chapter is none of qa, "),
        ("--task complete --max-new-tokens 0", "--max-new-tokens must be at least 1, not 0"),
        ("--shots-seed 3", "--shots-seed needs --examples FILE"),
        ("--threshold 3", "--threshold must be between 0 and 1, not 3"),
        ("--labels a,b --threshold 0.3", "--threshold cannot apply: each text is given one of --labels"),
        ("--plot d --stop x", "--plot and --stop contradict each other: one is for classify, the other for complete"),
        ("--task classify --no-generate", "--no-generate does not go with --task classify: it is for complete"),
        ("--task complete --fail-under accuracy=1", "--fail-under accuracy: the figures of complete are bits_per_byte"),
        ("--no-generate --fail-under bleu=1", "--fail-under bleu: the figures of complete are bits_per_byte"),
    ],
)
def test_options_that_cannot_be_are_refused(tiny: Path, options: str, told: str) -> None:
    ended = evaluate(f"faq.jsonl {options}", tiny)
    assert (ended.code, ended.out) == (2, b""), ended.err
    assert told in ended.err


def test_a_table_of_very_many_labels_is_cut_and_says_so() -> None:
    score = {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1234}
    classes = {"日本": score, "a label of a great many letters": score} | {str(n): score for n in range(40)}
    confusion = [[1] * 42] * 42
    model = ModelReport(
        name="m", directory="", dtype="", figures=(), details={"classes": classes, "confusion": confusion}
    )
    (lines,) = label_blocks(model, 80, named=True)
    assert lines[0] == "m:"
    assert lines[2].split() == ["日本", "0.5000", "1.0000", "0.6667", "1,234"]
    assert lines[3].startswith("a label of a great many…")
    assert lines[-1] == "and 2 labels more, which --json has"
    assert (
        list(label_blocks(ModelReport(name="m", directory="", dtype="", figures=(), details={}), 80, named=True)) == []
    )


def test_a_pipeline_counts_labels(tuned: Path) -> None:
    Path("reviews.txt").write_text("".join(f"{review}\n" for review in REVIEWS), encoding="utf-8")
    lines = gptcli(f"classify -m {tuned} --device cpu", Path("reviews.txt").read_bytes()).out
    expected = Counter(line.split("\t")[0] for line in lines.decode().splitlines())
    command = f"{shlex.quote(sys.executable)} -m gptcli classify -m {shlex.quote(str(tuned))} --device cpu"
    counted = subprocess.run(
        ["sh", "-c", f"cat reviews.txt | {command} | cut -f1 | sort | uniq -c"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert counted.stderr == ""
    found = {label: int(count) for count, label in map(str.split, counted.stdout.splitlines())}
    assert found == expected
