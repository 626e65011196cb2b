"""A template saved with a model, or asked for, makes the prompts; without one a text is read as it is."""

import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.options import DataOptions
from gptcli.data.records import Record
from gptcli.data.roles import WantedRoles
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError, InputError, ModelError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion, Event, Notice, RowFailed, TextDelta
from gptcli.tasks.generate import generate
from gptcli.training.encoding import Encoder
from gptcli.training.rows import RowSet, load_rows
from tests.command import gptcli

QA = {"name": "qa", "template": "Question: {question}\nAnswer: {answer}", "completion": "answer"}
CONTEXT = {**QA, "template": "{context}\n\nQuestion: {question}\nAnswer: {answer}"}


@pytest.fixture(scope="session")
def tuned(builtin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the built-in model, to save templates with."""
    return Path(shutil.copytree(builtin, tmp_path_factory.mktemp("tuned") / "m"))


@pytest.fixture
def model(tuned: Path) -> str:
    """Return the model with the template of questions and answers."""
    return saved(tuned, QA)


def saved(tuned: Path, template: object) -> str:
    """Save a template with the model, as fine-tuning does."""
    (tuned / "template.json").write_text(json.dumps(template), encoding="utf-8")
    return str(tuned)


def row(**columns: object) -> Record:
    """Return a row of a file."""
    return Record(source="in", line=1, columns=columns)


def events(model: str, *records: Record, stop: tuple[str, ...] = (), **options: Any) -> list[Event]:
    """Run the task, greedy and short."""
    sampling = SamplingOptions(temperature=0, max_new_tokens=3, stop=stop)
    model_options = ModelOptions(model=model, device="cpu")
    config = GenerateConfig(records=records, seed=1, model=model_options, sampling=sampling, **options)
    return list(generate(config))


def completions(model: str, *records: Record, **options: Any) -> list[Completion]:
    """Return the completions alone."""
    return [event for event in events(model, *records, **options) if isinstance(event, Completion)]


def prompts(model: str, *records: Record, **options: Any) -> list[str]:
    """Return what the model read."""
    return [completion.prompt for completion in completions(model, *records, **options)]


def learned(directory: Path, rows: list[dict[str, object]], **options: Any) -> RowSet:
    """Read rows as fine-tuning does."""
    path = directory / "rows.jsonl"
    path.write_text("".join(json.dumps(columns) + "\n" for columns in rows))
    reading = load_rows(DataOptions(paths=(str(path),), wanted=WantedRoles(), validation_split=0, **options), BytesIO())
    while True:
        try:
            next(reading)
        except StopIteration as end:
            found: RowSet = end.value
            return found


@pytest.mark.parametrize(
    ("rows", "template"),
    [
        ([{"question": "Who? ", "answer": "I"}, {"question": "\nWhy?\n", "answer": "\nSo"}], None),
        ([{"question": "Who?", "answer": "I", "context": c} for c in ("A man. ", "\n\n  A dog.\u2028")], None),
        ([{"article": "Long  ", "summary": "Short"}, {"article": "\u00e9", "summary": "e"}], None),
        ([{"q": 7, "a": "I"}, {"q": "<|endoftext|>", "a": "you"}], "### {q} \t\n{a} ###"),
    ],
)
def test_generation_reads_the_very_tokens_that_training_learned_from(
    tuned: Path, tmp_path: Path, rows: list[dict[str, object]], template: str | None
) -> None:
    learned_from = learned(tmp_path, rows, template=template)
    assert learned_from.template is not None
    model = saved(tuned, learned_from.template.to_json())
    tokenizer = load_tokenizer(tuned, read_config(tuned))
    encoder = Encoder(learned_from, tokenizer, eos_id=0, max_length=512, overflow="error")
    read = completions(model, *(row(**columns) for columns in rows))
    for (example,), one in zip(encoder.examples(learned_from.train), read, strict=True):
        before = int(np.flatnonzero(np.asarray(example.targets) >= 0)[0]) + 1
        assert list(example.input_ids[:before]) == tokenizer.encode(one.prompt)
        assert one.prompt == one.prompt.rstrip()


def test_a_plain_text_is_the_template_s_one_field(model: str) -> None:
    wanted = ["Question: Who?\nAnswer:"]
    assert prompts(model, row(prompt="Who?")) == wanted
    assert prompts(model, row(text="Who?")) == wanted
    assert prompts(model, row(id=3, Question="Who?", text="other")) == wanted
    assert prompts(model, row(id=3, question="other", q="Who?"), column="q") == wanted


def test_the_fields_of_rows_are_found_by_the_names_of_their_columns(tuned: Path) -> None:
    model = saved(tuned, CONTEXT)
    wanted = ["A man.\n\nQuestion: Who?\nAnswer:"]
    assert prompts(model, row(question="Who?", id=1, context="A man.", answer="secret")) == wanted
    assert prompts(model, row(prompt="Who?", context="A man.")) == wanted
    assert prompts(model, row(q="Who?", context="A man."), column="q") == wanted


@pytest.mark.parametrize("name", ["prompt", "text"])
def test_a_plain_text_cannot_fill_several_fields(tuned: Path, name: str) -> None:
    with pytest.raises(
        InputError,
        match=f"^in: the template needs the columns context and question, and there is only {name}: .* -i FILE, or "
        "--template none",
    ):
        events(saved(tuned, CONTEXT), row(**{name: "Who?"}))


def test_a_column_that_no_field_takes_is_an_error_that_names_it(tuned: Path, model: str) -> None:
    with pytest.raises(InputError, match=r"^in: no column question or prompt or text: choose one of q .*none$"):
        events(model, row(q="Who?"))
    with pytest.raises(InputError, match=r"^in: no column nope: choose one of q with --column NAME, or .*none$"):
        events(model, row(q="Who?"), column="nope")
    with pytest.raises(ConfigError, match="--column q: the template takes context and question by their names already"):
        events(saved(tuned, CONTEXT), row(q="?", context="c", question="q"), column="q")
    with pytest.raises(ConfigError, match="no field for a text: give --template none"):
        events(saved(tuned, {**QA, "template": "Sing: {answer}"}), row(prompt="x"))


def test_a_row_that_lacks_a_field_fails_alone(tuned: Path) -> None:
    told = events(
        saved(tuned, CONTEXT),
        Record(source="in", line=1, error="is torn"),
        row(context="c", question="q"),
        row(context="c"),
        row(context=None, question="q"),
    )
    assert [(event.index, event.message) for event in told if isinstance(event, RowFailed)] == [
        (0, "is torn"),
        (2, "has no column question: it has context"),
        (3, "has no value in column context"),
    ]


def test_what_stands_behind_every_completion_is_a_stop_text_too(tuned: Path) -> None:
    (plain,) = completions(str(tuned), row(prompt="Once"), template="none")
    stop = plain.text[2:4]
    model = saved(tuned, {"name": None, "template": f"{{prompt}} {{completion}}{stop}", "completion": "completion"})
    for other in ((), ("~",)):
        (stopped,) = completions(model, row(prompt="Once"), stop=other)
        assert (stopped.text, stopped.finish_reason) == (plain.text[: plain.text.index(stop)], "stop")


@pytest.mark.parametrize(
    ("template", "columns", "prompt"),
    [
        ("none", {"prompt": " Who? "}, " Who? "),
        ("qa", {"prompt": "Who?"}, "Question: Who?\nAnswer:"),
        ("qa", {"query": "Who?", "passage": "A man."}, "A man.\n\nQuestion: Who?\nAnswer:"),
        ("qa", {"text": "Who?", "context": "A man."}, "A man.\n\nQuestion: Who?\nAnswer:"),
        ("summary", {"text": "Long."}, "Long.\n\nTL;DR:"),
        ("translate", {"prompt": "cat"}, "cat ="),
        ("chat", {"text": "Hi"}, "User: Hi\nAssistant:"),
        ("code", {"prompt": "add"}, '"""\nadd\n"""'),
        ("Say {what} in {language}: ", {"what": "cat", "language": "French", "text": "x"}, "Say cat in French:"),
        ("Q: {q}", {"prompt": "Who?"}, "Q: Who?"),
        ("{{{q}}} {completion}", {"q": "Who?"}, "{Who?}"),
    ],
)
def test_a_template_that_was_asked_for_takes_the_place_of_the_model_s(
    model: str, template: str, columns: dict[str, object], prompt: str
) -> None:
    assert prompts(model, row(**columns), template=template) == [prompt]
    assert prompts("builtin", row(**columns), template=template) == [prompt]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("qaa", "--template qaa is none of qa, summary, translate, code, chat and none, and no format either"),
        ("", "is none of qa"),
        ("{q", "lone {"),
        ("Q: {}", "without a column"),
        ("{completion} {q}", "must have the completion {completion} once, as its last field"),
    ],
)
def test_a_template_that_makes_no_sense_is_told_before_anything_is_read(template: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GenerateConfig(records=(), seed=1, template=template)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "damaged", [[], {}, {**QA, "template": "{question}"}, {**QA, "name": 3}, {**QA, "template": "{"}]
)
def test_a_damaged_template_is_named_with_the_way_around_it(tuned: Path, damaged: object) -> None:
    model = saved(tuned, damaged)
    with pytest.raises(ModelError, match=r"m/template.json: is damaged; give a template, or none, with --template$"):
        events(model, row(prompt="Who?"))
    assert prompts(model, row(prompt="Who?"), template="none") == ["Who?"]


def test_a_file_that_is_not_json_is_as_damaged(tuned: Path) -> None:
    (tuned / "template.json").write_bytes(b"\xff{")
    ended = gptcli(f"generate -m {tuned} --device cpu Who?")
    assert (ended.code, ended.out) == (4, b"")
    (line,) = ended.err.splitlines()
    assert line.endswith("m/template.json: is damaged; give a template, or none, with --template")


def test_the_story_says_which_template_was_used_and_who_chose_it(tuned: Path, model: str) -> None:
    def told(model: str, **options: Any) -> list[str]:
        found = [event for event in events(model, row(prompt="x"), **options) if isinstance(event, Notice)]
        assert all(event.detail for event in found if "template" in event.text)
        return [event.text for event in found if event.text.startswith("template")]

    assert told(model) == [r"template qa, saved with the model: 'Question: {question}\nAnswer: {answer}'"]
    assert told(model, template="chat") == [r"template chat, as asked: 'User: {user}\nAssistant: {assistant}'"]
    assert told(model, template="{q}?") == ["template as asked: '{q}?{completion}'"]
    assert told(model, template="none") == told("builtin") == []


def test_text_shows_what_was_read_and_no_echo_leaves_it_out(model: str) -> None:
    line = f"generate -m {model} --device cpu --greedy --max-new-tokens 3 Who?"
    streamed, waited = gptcli(line), gptcli(f"{line} --no-stream")
    assert streamed.out == waited.out
    assert streamed.out.startswith(b"Question: Who?\nAnswer:")
    assert gptcli(f"{line} --no-echo").out == streamed.out.removeprefix(b"Question: Who?\nAnswer:")
    assert gptcli(f"{line} --template none").out.startswith(b"Who?")


def test_each_piece_of_a_stream_says_what_it_continues(model: str) -> None:
    pieces = [event for event in events(model, row(prompt="Who?"), stream=True) if isinstance(event, TextDelta)]
    assert {piece.prompt for piece in pieces} == {"Question: Who?\nAnswer:"}


def test_a_json_row_has_what_was_read_and_the_columns_that_it_was_made_of(model: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,question\n1,Who?\n")
    ended = gptcli(f"generate -m {model} --device cpu --greedy --max-new-tokens 3 --jsonl -i {path}")
    made = json.loads(ended.out)
    assert (made["prompt"], made["id"], made["question"]) == ("Question: Who?\nAnswer:", "1", "Who?")
    assert not ended.err


def test_a_json_row_keeps_a_plain_text_too_without_a_word_about_columns(model: str) -> None:
    line = f"generate -m {model} --device cpu --greedy --max-new-tokens 3 --jsonl"
    argument, piped = gptcli(f"{line} Who?"), gptcli(line, b"Who?\n")
    assert json.loads(argument.out)["input_prompt"] == json.loads(piped.out)["input_text"] == "Who?"
    assert argument.err == piped.err == ""
