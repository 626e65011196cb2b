"""What is told of held-out rows is what transformers' model and scikit-learn say of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, matthews_corrcoef, mean_absolute_error
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.tuning import Tuned, tune, write_rows

QUICK: dict[str, Any] = {"lr": 3e-3, "batch_size": 8, "max_steps": 12, "eval_every": 100.0, "save_every": 100.0}
HELD_OUT = ["row 3 of it", "a", "row 9 <|endoftext|> and more", "x" * 60, "the end"]


def run(directory: Path, model: Path, held_out: list[dict[str, Any]], rows: list[dict[str, Any]], **more: Any) -> Tuned:
    """Train on rows for a moment, and validate on others."""
    validation = write_rows(directory / "held-out.jsonl", held_out)
    return tune(
        write_rows(directory / "data.jsonl", rows),
        directory / "out",
        model,
        **QUICK,
        **more,
        validation=str(validation),
    )


def test_the_loss_and_the_probability_of_the_end_mark_are_those_of_each_row_alone(tiny: Path, tmp_path: Path) -> None:
    tuned = run(tmp_path, tiny, [{"text": text} for text in HELD_OUT], [{"text": f"row {n}"} for n in range(24)])
    model, tokenizer = (kind.from_pretrained(tuned.directory) for kind in (AutoModelForCausalLM, AutoTokenizer))
    nats, ends, predictions = 0.0, [], 0
    with torch.no_grad():
        for text in HELD_OUT:
            stream = [0, *tokenizer(text)["input_ids"], 0]
            for begin in range(0, len(stream) - 1, 48):  # a long row is judged in parts
                part = torch.tensor(stream[begin : begin + 49])
                logits = model(part[None, :-1]).logits[0]
                nats += float(cross_entropy(logits, part[1:], reduction="sum"))
                predictions += len(part) - 1
                ends += logits.softmax(-1)[:, 0][part[1:] == 0].tolist()
    found = tuned.finished.metrics
    assert found["loss"] == pytest.approx(nats / predictions, rel=1e-5)
    assert found["perplexity"] == pytest.approx(np.exp(nats / predictions), rel=1e-4)
    assert len(ends) == len(HELD_OUT) + 1
    assert found["eos_probability"] == pytest.approx(np.mean(ends), rel=1e-4)
    assert tuned.evaluations[-1].rows == len(HELD_OUT)


def labelled(count: int, label: Any) -> list[dict[str, Any]]:
    """Return rows with labels."""
    return [{"text": f"{'abc'[n % 3]}{'def'[n % 2]} {n}", "label": label(n)} for n in range(count)]


def logits_of(tuned: Tuned, rows: list[dict[str, Any]]) -> torch.Tensor:
    """Return what transformers' model says of the rows."""
    model = AutoModelForSequenceClassification.from_pretrained(tuned.directory)
    tokenizer = AutoTokenizer.from_pretrained(tuned.directory)
    with torch.no_grad():
        logits: torch.Tensor = model(
            **tokenizer([row["text"] for row in rows], padding=True, return_tensors="pt")
        ).logits
    return logits


def test_the_figures_of_labels_are_scikit_learn_s(tiny: Path, tmp_path: Path) -> None:
    rows = labelled(40, lambda n: ("one", "two", "three")[n % 5 % 3])
    tuned = run(tmp_path, tiny, rows[24:], rows[:24])
    names = ["one", "three", "two"]
    truth = np.array([names.index(row["label"]) for row in rows[24:]])
    logits = logits_of(tuned, rows[24:])
    guess, found = logits.argmax(1).numpy(), tuned.finished.metrics
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, guess, average="macro", zero_division=0))
    assert found["matthews"] == pytest.approx(matthews_corrcoef(truth, guess))
    assert found["loss"] == pytest.approx(float(cross_entropy(logits, torch.tensor(truth))), rel=1e-4)
    assert tuned.finished.confusion == tuple(map(tuple, confusion_matrix(truth, guess, labels=range(3)).tolist()))


def test_the_figures_of_several_labels_are_scikit_learn_s(tiny: Path, tmp_path: Path) -> None:
    rows = labelled(
        40, lambda n: [name for number, name in enumerate(("one", "three", "two")) if n % (number + 2) == 0]
    )
    tuned = run(tmp_path, tiny, rows[24:], rows[:24])
    names = ("one", "three", "two")
    truth = np.array([[name in row["label"] for name in names] for row in rows[24:]])
    guess, found = logits_of(tuned, rows[24:]).numpy() > 0, tuned.finished.metrics
    assert found["subset_accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, guess, average="macro", zero_division=0))
    assert found["micro_f1"] == pytest.approx(f1_score(truth, guess, average="micro", zero_division=0))


def test_the_figures_of_a_regression_are_numpy_s(tiny: Path, tmp_path: Path) -> None:
    rows = labelled(40, lambda n: n % 7 / 3 - 1)
    tuned = run(tmp_path, tiny, rows[24:], rows[:24], regression=True)
    truth = np.array([row["label"] for row in rows[24:]])
    guess, found = logits_of(tuned, rows[24:]).numpy()[:, 0], tuned.finished.metrics
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, guess), rel=1e-4)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((truth - guess) ** 2)), rel=1e-4)
    assert found["loss"] == pytest.approx(found["rmse"] ** 2, rel=1e-4)
    assert found["pearson"] == pytest.approx(np.corrcoef(truth, guess)[0, 1], abs=1e-4)
