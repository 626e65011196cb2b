"""What pretrain leaves: a new model of the shape that was asked for, its tokenizer, and what it measured."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.errors import ConfigError, InputError
from gptcli.tasks import pretrain as task
from gptcli.tasks.events import Stage
from gptcli.tasks.training_config import PretrainConfig, RunOptions
from gptcli.training import corpus_preparation, memory
from gptcli.training.corpus import Corpus, open_corpus
from gptcli.training.events import SampleReport, StepReport
from gptcli.training.sizes import ShapeOptions
from tests.command import gptcli
from tests.tuning import Tuned

SHAPE = {"n_layer": 1, "n_head": 2, "n_embd": 32, "n_positions": 24}
QUICK: dict[str, Any] = {"batch_size": 4, "max_steps": 6, "eval_every": 3.0, "save_every": 100.0, "lr": 3e-3}
STORIES = [
    f"The {animal} went to the {place}. \u201cIs it far?\u201d it asked, and didn't wait.\nIt {verb} all the way.\n\n"
    for animal in ("hare", "fox", "crow", "été")
    for place in ("river", "mill", "old house")
    for verb in ("ran", "walked", "sang")
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep each test's corpus to itself, and draw nothing."""
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gptcli.tasks.leaving.available", lambda: False)


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    """Return a file of 36 documents."""
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps({"text": story}) + "\n" for story in STORIES), encoding="utf-8")
    return path


def run(data: Path, output: str = "out", *, shape: dict[str, Any] | None = None, **options: Any) -> Tuned:
    """Pretrain beside the data."""
    named = {name: options.pop(name) for name in list(options) if name in PretrainConfig.__dataclass_fields__}
    runs = {name: options.pop(name) for name in list(options) if name in RunOptions.__dataclass_fields__}
    settled: dict[str, Any] = {"vocab_size": 300} if "tokenizer" not in named else {}
    config = PretrainConfig(
        paths=(str(data),),
        run=RunOptions(output=str(data.parent / output), device="cpu", given=QUICK | options, **runs),
        shape=ShapeOptions(**(SHAPE if shape is None else shape)),
        **{**settled, "validation_split": 0.3, **named},
    )
    return Tuned(directory=data.parent / output, events=tuple(task.pretrain(config)))


def stages(tuned: Tuned) -> list[str]:
    """Return what was being done."""
    return [stage.text for stage in tuned.of(Stage)]


def corpus_of(data: Path) -> Corpus:
    """Return the one corpus in the cache."""
    (directory,) = (data.parent / "cache" / "corpora").iterdir()
    return open_corpus(directory / "tokens")


def test_a_new_model_is_loaded_by_others_and_writes(stories: Path) -> None:
    tuned = run(stories)
    model = AutoModelForCausalLM.from_pretrained(tuned.directory)
    config = model.config
    assert {name: getattr(config, name) for name in SHAPE} == SHAPE
    assert (config.vocab_size, config.activation_function) == (300, "gelu_new")
    tokenizer = AutoTokenizer.from_pretrained(tuned.directory)
    assert len(tokenizer) == 300
    assert tokenizer.eos_token_id == config.eos_token_id == config.bos_token_id
    text = "The hare didn't wait.\n\nIt ran"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer(text)["input_ids"] == load_tokenizer(tuned.directory, read_config(tuned.directory)).encode(text)
    writer = pipeline("text-generation", model=str(tuned.directory), device="cpu")
    assert writer("The", max_new_tokens=5)[0]["generated_text"].startswith("The")
    ended = gptcli(f"generate -m {tuned.directory} --device cpu --max-new-tokens 5 The")
    assert ended.code == 0, ended.err
    assert {path.name for path in tuned.directory.iterdir()} >= {"README.md", "training.toml", "metrics.jsonl"}


def test_a_model_learns(stories: Path) -> None:
    tuned = run(stories, max_steps=60, eval_every=30.0, lr=1e-2)
    assert tuned.losses[0] == pytest.approx(math.log(300), abs=0.3)  # it begins by knowing nothing
    first, last = tuned.evaluations
    assert last.metrics["bits_per_byte"] < first.metrics["bits_per_byte"] < 4
    assert tuned.losses[-1] < 2


def test_held_out_bits_per_byte_are_those_of_transformers_on_the_same_documents(stories: Path) -> None:
    tuned = run(stories)
    held_out = corpus_of(stories).validation
    assert held_out is not None
    tokenizer = AutoTokenizer.from_pretrained(tuned.directory)
    model = AutoModelForCausalLM.from_pretrained(tuned.directory).eval()
    eos = tokenizer.eos_token_id
    stream = held_out.tokens[:].tolist()
    texts = [text for text in tokenizer.decode(stream).split("<|endoftext|>") if text]
    assert set(texts) < set(STORIES)
    assert len(texts) == held_out.facts.documents == tuned.evaluations[-1].rows
    # A window is a part of the stream; what stands in it of each document is read by itself.
    length, nats, predictions = SHAPE["n_positions"], 0.0, 0
    with torch.no_grad():
        for begin in range(0, len(stream) - 1, length):
            window = stream[begin : begin + length + 1]
            starts = [place for place in range(len(window) - 1) if place == 0 or window[place] == eos]
            for start, end in pairwise([*starts, len(window) - 1]):
                part = torch.tensor([window[start : end + 1]])
                logits = model(part[:, :-1]).logits[0]
                nats += float(cross_entropy(logits, part[0, 1:], reduction="sum"))
                predictions += end - start
    found = tuned.finished.metrics
    assert stream.count(eos) == len(texts) + 1
    assert found["loss"] == pytest.approx(nats / predictions, rel=1e-5)
    text_bytes = sum(len(text.encode()) for text in texts)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / text_bytes, rel=1e-5)


def test_a_corpus_is_made_once_and_used_again(stories: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(stories)
    assert any("training a tokenizer of 300" in text for text in stages(first))
    assert any(text.startswith("tokenizing: ") for text in stages(first))

    def never(*_arguments: Any, **_named: Any) -> Any:
        raise AssertionError("the corpus is made again")

    with monkeypatch.context() as patch:
        patch.setattr(corpus_preparation, "tokenize_corpus", never)
        patch.setattr(corpus_preparation, "train_tokenizer", never)
        second = run(stories, "again")
    assert second.losses == first.losses
    assert not any("tokeniz" in text for text in stages(second))
    with stories.open("a") as file:
        file.write(json.dumps({"text": "One more story."}) + "\n")
    third = run(stories, "third")
    assert any(text.startswith("tokenizing: ") for text in stages(third))
    corpus = corpus_of(stories)
    assert corpus.validation is not None
    assert corpus.train.facts.documents + corpus.validation.facts.documents == len(STORIES) + 1


def test_a_tokenizer_is_taken_from_a_directory_as_it_is(stories: Path, builtin: Path) -> None:
    tuned = run(stories, tokenizer=str(builtin))
    assert (tuned.directory / "tokenizer.json").read_bytes() == (builtin / "tokenizer.json").read_bytes()
    config = read_config(tuned.directory)
    theirs = load_tokenizer(builtin, read_config(builtin))
    assert config.vocab_size == theirs.vocab_size
    assert config.eos_token_ids == (theirs.eos_id,)
    text = "The hare went."
    assert load_tokenizer(tuned.directory, config).encode(text) == theirs.encode(text)
    assert not any("training a tokenizer" in text for text in stages(tuned))


def test_a_text_too_small_for_its_vocabulary_is_told(stories: Path) -> None:
    tuned = run(stories, vocab_size=5000)
    (told,) = [text for text in tuned.notices if "fills a vocabulary" in text]
    size = read_config(tuned.directory).vocab_size
    assert told == f"the text fills a vocabulary of {size:,} tokens only, not 5,000"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packing": True}, "--packing does not go with pretrain"),
        ({"freeze": 1}, "--freeze does not go with pretrain"),
        ({"overflow": "drop"}, "--overflow does not go with pretrain"),
        ({"shape": {"n_embd": 30, "n_head": 4}}, "--n-embd 30 must be a multiple of --n-head 4"),
        ({"max_length": 25}, "--max-length must be at most 24"),
        ({"tokenizer": "gpt2", "vocab_size": 10}, "--vocab-size is for --tokenizer train"),
    ],
)
def test_what_does_not_go_together_is_an_error_before_anything_is_read(
    stories: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(stories, **options)
    assert not (stories.parent / "cache").exists()


def test_shorter_sequences_than_the_context_can_be_learned(stories: Path) -> None:
    tuned = run(stories, max_length=8)
    assert max(report.tokens for report in tuned.of(StepReport)) == 4 * 8
    assert read_config(tuned.directory).n_positions == 24
    assert tuned.finished.metrics["loss"] > 0


def test_a_model_keeps_the_tokenizer_it_learned_with_where_another_run_trains_a_new_one(stories: Path) -> None:
    def spoil() -> bool:
        (tokenizer,) = (stories.parent / "cache" / "corpora").glob("*/tokenizer/tokenizer.json")
        if not before:
            before.append(tokenizer.read_bytes())
            tokenizer.write_bytes(b"of another run")
        return False

    before: list[bytes] = []
    tuned = run(stories, stop=spoil)
    assert (tuned.directory / "tokenizer.json").read_bytes() == before[0]


def test_an_automatic_batch_size_is_reckoned_for_the_tokenizers_vocabulary_and_noted(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reckoned = []

    def largest(config: ModelConfig, *_: object, **__: object) -> int:
        reckoned.append(config.vocab_size)
        return 4

    monkeypatch.setattr(memory, "largest_batch", largest)
    tuned = run(stories, batch_size="auto")
    assert reckoned == [read_config(tuned.directory).vocab_size]
    assert "batch_size = 4\n" in (tuned.directory / "training.toml").read_text()


def test_all_tokens_of_an_epoch_are_learned_once(stories: Path) -> None:
    tuned = run(stories, max_steps=None, epochs=1.0, eval_every=1000.0)
    assert tuned.finished.reason == "1 epoch"
    total = len(corpus_of(stories).train.tokens) - 1
    assert tuned.of(StepReport)[-1].total_tokens == total


def test_a_sample_is_written_at_each_evaluation(stories: Path) -> None:
    tuned = run(stories, sample_prompt="The hare")
    samples = tuned.of(SampleReport)
    assert [sample.step for sample in samples] == [3, 6]
    assert all(0 <= sample.copied <= 1 and sample.text for sample in samples)


def test_where_nothing_is_held_out_nothing_is_measured_and_that_is_told(stories: Path) -> None:
    tuned = run(stories, validation_split=0.0)
    assert tuned.finished.metrics == {}
    assert any("no document is held out" in text for text in tuned.notices)
    with pytest.raises(ConfigError, match="--early-stopping needs held-out documents"):
        run(stories, "never", validation_split=0.0, early_stopping=2)
    assert not (stories.parent / "never").exists()


def test_no_text_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps({"text": ""}) + "\n")
    with pytest.raises(InputError, match=r"empty\.jsonl"):
        run(empty)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_the_options_that_a_run_leaves_repeat_it_to_the_same_bytes(stories: Path, optimizer: str) -> None:
    out = run(stories, optimizer=optimizer).directory
    ended = gptcli(f"pretrain --config {out / 'training.toml'} -o {out.parent / 'again'}")
    assert ended.code == 0, ended.err
    for name in ("model.safetensors", "config.json", "training.toml", "tokenizer.json"):
        assert (out.parent / "again" / name).read_bytes() == (out / name).read_bytes()


def test_new_weights_are_drawn_as_transformers_draws_them(stories: Path) -> None:
    run(stories, lr=1e-30, max_steps=1, weight_decay=0.0)
    ours = AutoModelForCausalLM.from_pretrained(stories.parent / "out")
    torch.manual_seed(0)
    theirs = AutoModelForCausalLM.from_config(ours.config)
    for name, tensor in theirs.state_dict().items():
        assert np.allclose(ours.state_dict()[name], tensor), name
