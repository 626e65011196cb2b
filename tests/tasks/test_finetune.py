"""What finetune leaves: a model that has learned, with all that others need to load it and to repeat the run."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion
from gptcli.tasks.generate import generate
from gptcli.training.batches import Example, make_batch
from gptcli.training.events import SampleReport
from gptcli.training.objectives import Objective
from tests.command import gptcli
from tests.tuning import Tuned, held, labelled, tune, write_rows

STORIES = (
    "The cat sat on the mat.",
    "The dog ran far away over the hill and came home in the evening.",
    "A bee flew to the red flower and slept.",
    "My old friend came home.",
)
SHORT: list[dict[str, Any]] = [{"text": STORIES[n % 4]} for n in range(32)]
LEARNING: dict[str, Any] = {"lr": 1e-2, "batch_size": 16, "max_steps": 60, "eval_every": 60.0, "save_every": 60.0}
QUICK: dict[str, Any] = {"lr": 1e-3, "batch_size": 8, "max_steps": 4, "eval_every": 2.0, "save_every": 2.0}
TEXTS = ["a", "a longer text to label", "<|endoftext|>", "mid<|endoftext|>dle"]


def completions(model: Path, *prompts: str, **sampling: Any) -> list[Completion]:
    """Return what a model writes greedily."""
    config = GenerateConfig(
        records=[Record(source="in", line=n, columns={"prompt": text}) for n, text in enumerate(prompts, 1)],
        seed=0,
        model=ModelOptions(model=str(model), device="cpu"),
        sampling=SamplingOptions(temperature=0, max_new_tokens=24, **sampling),
    )
    return [event for event in generate(config) if isinstance(event, Completion)]


@pytest.fixture(scope="module")
def stopping(builtin: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Return a model that learned four short stories."""
    directory = tmp_path_factory.mktemp("stopping")
    data = write_rows(directory / "data.jsonl", SHORT)
    options = LEARNING | {"lr": 1e-3, "max_steps": 15, "batch_size": 8}
    return tune(data, directory / "out", builtin, **options, **held(data), sample_prompt="The dog")


def test_a_tuned_model_stops(stopping: Tuned) -> None:
    assert stopping.finished.metrics["eos_probability"] > 0.9
    assert not any("learned to stop" in text for text in stopping.notices)
    found = completions(stopping.directory, "The cat", "The dog", "A bee", "My old")
    assert [one.prompt + one.text for one in found] == list(STORIES)
    assert {one.finish_reason for one in found} == {"eos"}


def test_a_sample_of_a_text_that_was_learned_by_heart_is_said_to_be_copied(stopping: Tuned) -> None:
    sample = stopping.of(SampleReport)[-1]
    assert (sample.step, f"{sample.prompt}{sample.text}") == (15, STORIES[1])
    assert sample.copied == 1.0


def test_a_model_that_has_not_learned_to_stop_is_said_not_to(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT)
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, **held(data))
    assert any(text.startswith("the model has not learned to stop: it gives the end mark") for text in tuned.notices)
    assert "has not learned to stop" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.slow
def test_end_marks_inside_of_a_text_are_learned_as_the_text_has_them(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", [{"text": "ab<|endoftext|>cd<|endoftext|>"}, {"text": "xyz"}] * 16)
    tuned = tune(data, tmp_path / "out", tiny, **LEARNING, validation_split=0.0)
    model = AutoModelForCausalLM.from_pretrained(tuned.directory)
    ids = AutoTokenizer.from_pretrained(tuned.directory)("ab<|endoftext|>cd<|endoftext|>")["input_ids"]
    with torch.no_grad():
        said = model(torch.tensor([[0, *ids]])).logits[0].softmax(-1)
    assert min(said[place, wanted] for place, wanted in enumerate([*ids, 0]) if place) > 0.9
    assert said[0, ids[0]] == pytest.approx(0.5, abs=0.2)  # behind an end mark, any of the rows begins


def test_completions_are_learned_by_heart_and_matched(tiny: Path, tmp_path: Path) -> None:
    rows = [{"prompt": f"{n} is", "completion": word} for n, word in enumerate(("even", "odd", "two", "three"))]
    data = write_rows(tmp_path / "data.jsonl", rows * 8)
    tuned = tune(data, tmp_path / "out", tiny, **LEARNING | {"eval_every": 0.5}, **held(data))
    first, last = tuned.evaluations
    assert first.metrics["exact_match"] <= last.metrics["exact_match"] == last.metrics["token_f1"] == 1.0
    assert last.metrics["loss"] < 0.1
    found = completions(tuned.directory, *(row["prompt"] for row in rows))
    assert [one.text.strip() for one in found] == [row["completion"] for row in rows]
    assert {one.finish_reason for one in found} == {"eos"}


def test_a_language_model_is_loaded_by_others_as_it_was_trained(
    tiny: Path, tmp_path: Path, trained: list[Objective]
) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT)
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, **held(data), draws=True)
    model = AutoModelForCausalLM.from_pretrained(tuned.directory)
    ids = AutoTokenizer.from_pretrained(tuned.directory)("The dog")["input_ids"]
    assert ids == AutoTokenizer.from_pretrained(tiny)("The dog")["input_ids"]
    tokens = np.array(ids, np.int32)
    with torch.no_grad():
        hidden = trained[0].hidden(make_batch([Example(tokens, tokens, None, "")]))
        expected = hidden @ trained[0].model.lm_head.weight.T
        logits = model(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    writer = pipeline("text-generation", model=str(tuned.directory), device="cpu")
    (said,) = writer("The", max_new_tokens=5, do_sample=False, return_full_text=False)
    assert said["generated_text"] == completions(tuned.directory, "The")[0].text[: len(said["generated_text"])]


def test_the_files_are_those_that_others_look_for(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT)
    out = tune(data, tmp_path / "out", tiny, **QUICK, **held(data), draws=True).directory
    config = json.loads((out / "config.json").read_text())
    assert (config["architectures"], config["activation_function"]) == (["GPT2LMHeadModel"], "gelu_new")
    assert "gptcli" not in json.dumps(config)
    assert (config["dtype"], config["bos_token_id"], config["eos_token_id"]) == ("float32", 0, 0)
    assert json.loads((out / "generation_config.json").read_text())["eos_token_id"] == 0
    for name in ("vocab.json", "merges.txt"):
        assert (out / name).read_bytes() == (tiny / name).read_bytes()
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "lr" in record] == [1, 2, 3, 4]
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "confusion.png").exists()
    assert (out / "README.md").read_text().startswith("---\nlibrary_name: transformers\npipeline_tag: text-generation")
    assert tomllib.loads((out / "training.toml").read_text())["training"]["max_steps"] == 4
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["step-00000002"]
    assert not list(out.glob(".final*"))


def test_the_card_names_a_model_of_a_directory_alike_however_it_was_given(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed run has the full path of the model, and its card said "tuned from `/home/ann/tiny`"."""
    data = write_rows(tmp_path / "data.jsonl", SHORT)
    monkeypatch.chdir(tiny.parent)
    for number, given in enumerate((Path(tiny.name), tiny.resolve())):
        out = tune(data, tmp_path / str(number), given, **QUICK | {"max_steps": 1}).directory
        assert f"tuned from `{tiny.name}` with" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("kind", "problem", "labels", "metrics"),
    [
        ("single", "single_label_classification", ["maybe", "no", "yes"], {"accuracy", "macro_f1", "matthews"}),
        (
            "multi",
            "multi_label_classification",
            ["all", "maybe", "no", "yes"],
            {"subset_accuracy", "macro_f1", "micro_f1"},
        ),
        ("regression", "regression", ["LABEL_0"], {"rmse", "mae", "pearson", "spearman"}),
    ],
)
def test_a_classifier_is_loaded_by_others_as_it_was_trained(
    tiny: Path,
    tmp_path: Path,
    trained: list[Objective],
    kind: str,
    problem: str,
    labels: list[str],
    metrics: set[str],
) -> None:
    data, options = labelled(tmp_path, kind)
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, **options, **held(data), draws=kind == "single")
    model = AutoModelForSequenceClassification.from_pretrained(tuned.directory)
    tokenizer = AutoTokenizer.from_pretrained(tuned.directory)
    config = model.config
    assert (config.problem_type, config.id2label) == (problem, dict(enumerate(labels)))
    assert config.label2id == {name: number for number, name in enumerate(labels)}
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("<|pad|>", config.pad_token_id)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    examples = [Example(np.array(tokenizer(text)["input_ids"], np.int32), None, 0, "") for text in TEXTS]
    with torch.no_grad():
        expected = trained[0].judged(make_batch(examples))
        logits = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    assert set(tuned.finished.metrics) == {"loss", *metrics}
    for checkpoint in (tuned.directory / "checkpoints").iterdir():
        kept = AutoModelForSequenceClassification.from_pretrained(checkpoint)
        assert kept.config.id2label == config.id2label
        assert AutoTokenizer.from_pretrained(checkpoint).pad_token == "<|pad|>"
    assert (tuned.finished.confusion is not None) == (tuned.directory / "confusion.png").exists() == (kind == "single")


def test_a_pipeline_labels_ragged_texts_as_one_at_a_time(tiny: Path, tmp_path: Path) -> None:
    data, _ = labelled(tmp_path, "single")
    out = tune(data, tmp_path / "out", tiny, **QUICK, validation_split=0.0).directory
    classify = pipeline("text-classification", model=str(out), device="cpu")
    together, alone = classify(TEXTS, batch_size=4), [classify(text)[0] for text in TEXTS]
    assert [one["label"] for one in together] == [one["label"] for one in alone]
    assert [one["score"] for one in together] == pytest.approx([one["score"] for one in alone], abs=1e-5)
    ended = gptcli(f"classify -m {out} --device cpu 'a longer text to label'")
    assert ended.out.decode().split()[0] == alone[1]["label"]


def test_a_head_for_the_same_labels_is_gone_on_with(tiny: Path, tmp_path: Path, trained: list[Objective]) -> None:
    data, _ = labelled(tmp_path, "single")
    first = tune(data, tmp_path / "first", tiny, **QUICK, validation_split=0.0)
    again = tune(data, tmp_path / "again", first.directory, **QUICK, validation_split=0.0)
    heads = [one.model.score.weight for one in trained]
    assert (heads[1] - heads[0]).abs().max() < 0.01  # four small steps away
    assert [one.model.config.vocab_size for one in trained] == [97, 97]
    assert again.losses[0] < first.losses[0]


@pytest.mark.parametrize("kind", ["lm", "single"])
def test_the_options_that_a_run_leaves_repeat_it_to_the_same_bytes(tiny: Path, tmp_path: Path, kind: str) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT) if kind == "lm" else labelled(tmp_path, kind)[0]
    out = tune(data, tmp_path / "out", tiny, **QUICK, validation_split=0.2, dropout=0.1).directory
    ended = gptcli(f"finetune --config {out / 'training.toml'} -o {tmp_path / 'again'}")
    assert ended.code == 0, ended.err
    for name in ("model.safetensors", "config.json", "training.toml"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()
