"""The generate task with the model that ships: from rows to events."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError, InputError, ModelError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion, Event, Notice, RowFailed, Stage, TextDelta
from gptcli.tasks.generate import generate

BUILTIN = ModelOptions(model="builtin", device="cpu")


def rows(*texts: object, column: str = "prompt") -> list[Record]:
    """Return a record a text; an exception stands for a row that could not be read."""
    return [
        Record(source="in", line=line, error=str(text))
        if isinstance(text, Exception)
        else Record(source="in", line=line, columns={column: text})
        for line, text in enumerate(texts, 1)
    ]


def events(records: Iterable[Record], *, sampling: dict[str, Any] | None = None, **options: Any) -> list[Event]:
    """Run the task to its end; greedy, 6 tokens, unless told otherwise."""
    chosen = {"temperature": 0, "max_new_tokens": 6, **(sampling or {})}
    config = GenerateConfig(
        **{"records": records, "seed": 3, "model": BUILTIN, "sampling": SamplingOptions(**chosen), **options}
    )
    return list(generate(config))


def completions(records: Iterable[Record], **how: Any) -> list[Completion]:
    """Return the completions alone."""
    return [event for event in events(records, **how) if isinstance(event, Completion)]


def warnings(told: list[Event]) -> list[str]:
    """Return the notices that a person sees without asking for details."""
    return [event.text for event in told if isinstance(event, Notice) and not event.detail]


def test_the_story_is_told_in_order_around_the_results() -> None:
    told = events(rows("Once"))
    assert [event.text for event in told if isinstance(event, Stage)] == [
        "looking for builtin",
        "loading builtin",
        "generating",
    ]
    details = [event.text for event in told if isinstance(event, Notice)]
    assert details[0].startswith("builtin from ")
    assert "onnx backend on the CPU, as asked; float32" in details[0]
    assert details[1] == "seed 3"
    assert isinstance(told[-1], Completion)


def test_a_completion_says_all_about_itself() -> None:
    (record,) = rows("Once upon a time")
    (completion,) = completions([record])
    assert completion.record is record
    assert (completion.index, completion.sample, completion.seed) == (0, 0, 3)
    assert (completion.prompt, completion.finish_reason, completion.new_tokens) == (
        record.columns["prompt"],
        "length",
        6,
    )
    assert completion.prompt_tokens == 4
    assert completion.text.startswith(",")
    assert completion.logprob < 0
    assert completion.tokens is None


def test_samples_of_each_row_come_together_and_differ() -> None:
    found = completions(rows("Once", "A dog"), num_samples=3, sampling={"temperature": 1, "max_new_tokens": 20})
    assert [(one.index, one.sample) for one in found] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert len({one.text for one in found}) == 6


def test_the_same_seed_gives_the_same_text_and_another_one_another() -> None:
    sampled: dict[str, Any] = {"sampling": {"temperature": 1, "max_new_tokens": 20}}
    first, again, other = (completions(rows("Once"), seed=seed, **sampled)[0].text for seed in (1, 1, 2))
    assert first == again != other


def test_the_first_whole_row_settles_the_column() -> None:
    records = [
        *rows(ValueError("is torn")),
        Record(source="in", line=2, columns={"id": 1, "Text": "Once"}),
        Record(source="in", line=3, columns={"id": 2, "prompt": "other"}),
    ]
    told = events(records)
    assert [event.prompt for event in told if isinstance(event, Completion)] == ["Once"]
    assert [(event.index, event.message) for event in told if isinstance(event, RowFailed)] == [
        (0, "is torn"),
        (2, "has no column Text: it has id, prompt"),
    ]


def test_an_input_without_the_column_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(InputError, match="in: no column prompt or text: choose one of body, id with --column NAME"):
        events([Record(source="in", line=1, columns={"body": "Once", "id": 1})])
    with pytest.raises(InputError, match="in: no column title: choose one of prompt"):
        events(rows("Once"), column="title")


@pytest.mark.parametrize("value", [None, float("nan"), ["Once"], {"a": 1}, True, "\ud800"])
def test_a_row_without_text_fails_and_the_others_do_not(value: object) -> None:
    told = events(rows("Once", value, "A dog"))
    assert [event.index for event in told if isinstance(event, Completion)] == [0, 2]
    assert [event.index for event in told if isinstance(event, RowFailed)] == [1]


def test_a_number_is_continued_as_the_text_that_it_reads_as() -> None:
    assert [one.prompt for one in completions(rows(12, 1.5))] == ["12", "1.5"]


def test_a_bias_by_text_or_by_id_forces_its_token(builtin: Path) -> None:
    token_id = load_tokenizer(builtin, read_config(builtin)).single_token(" king")
    for token in (" king", str(token_id)):
        (completion,) = completions(rows("Once"), logit_bias=((token, 1000.0),), sampling={"max_new_tokens": 2})
        assert completion.text == " king king"


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (" king of the", r"' king of the' is not one token of builtin; it is \d tokens: \[' king', ' of', ' the'\]"),
        ("8192", "8192: the ids of builtin are below 8192"),
        ("\u00b2", "'\u00b2' is not one token of builtin; it is 2 tokens"),
    ],
)
def test_a_bias_for_what_is_no_token_is_refused_before_the_first_row(token: str, told: str) -> None:
    def untouched() -> Iterator[Record]:
        raise AssertionError("a row was read")
        yield

    with pytest.raises(ConfigError, match=f"--logit-bias {told}"):
        events(untouched(), logit_bias=((token, 1.0),))


def test_a_stop_text_ends_before_itself_and_a_banned_one_never_appears() -> None:
    (plain,) = completions(rows("Once upon a time"))
    stop = plain.text[3:5]
    (stopped,) = completions(rows("Once upon a time"), sampling={"stop": (stop,)})
    assert (stopped.text, stopped.finish_reason) == (plain.text[: plain.text.index(stop)], "stop")
    (banned,) = completions(rows("Once upon a time"), sampling={"ban": (stop,)})
    assert stop not in banned.text
    assert banned.new_tokens == 6


@pytest.mark.parametrize("stop", [(), ("the",), ("!", " a ")])
def test_streamed_pieces_join_to_the_completions_text(stop: tuple[str, ...]) -> None:
    told = events(rows("Once upon a time"), stream=True, sampling={"max_new_tokens": 40, "stop": stop})
    pieces = [event.text for event in told if isinstance(event, TextDelta)]
    (completion,) = (event for event in told if isinstance(event, Completion))
    assert len(pieces) > 1
    assert "".join(pieces) == completion.text


def test_log_probabilities_are_of_the_model_and_their_sum_is_the_rows() -> None:
    (completion,) = completions(rows("Once upon a time"), sampling={"logprobs": 3, "temperature": 0.7, "top_k": 5})
    assert completion.tokens is not None
    assert len(completion.tokens) == completion.new_tokens
    assert "".join(scored.token for scored in completion.tokens) == completion.text
    assert sum(scored.logprob for scored in completion.tokens) == pytest.approx(completion.logprob, abs=1e-4)
    for scored in completion.tokens:
        logprobs = [logprob for _, logprob in scored.top]
        assert len(logprobs) == 3
        assert logprobs == sorted(logprobs, reverse=True)
        assert scored.logprob <= logprobs[0] + 1e-6


def test_no_alternatives_may_be_asked_for() -> None:
    (completion,) = completions(rows("Once"), sampling={"logprobs": 0})
    assert completion.tokens is not None
    assert all(scored.top == () for scored in completion.tokens)


def test_every_kind_of_cut_is_told_once_behind_the_results() -> None:
    told = events(rows("", "a b " * 400, ""), sampling={"overflow": "truncate-left"})
    assert warnings(told) == [
        "empty prompts, continued from the beginning-of-text token: 2 (first: in:1)",
        "prompts cut to their last 507 tokens: 1 (first: in:2)",
    ]
    assert isinstance(told[-3], Completion)
    assert isinstance(told[-1], Notice)


def test_a_long_text_is_refused_by_its_length_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gptcli.checkpoint.tokenizer.LONG_TEXT", 2000)
    told = events(rows("a" * 2000, "b" * 10_000, " " * 10_000))
    messages = [event.message for event in told if isinstance(event, RowFailed)]
    assert messages[0].startswith("has 2,000 tokens")
    assert [message.partition(" tokens")[0] for message in messages[1:]] == ["has at least 625"] * 2


def test_rows_that_an_earlier_run_has_done_are_passed_over_and_the_others_stay_as_they_were() -> None:
    sampled: dict[str, Any] = {"sampling": {"temperature": 1, "max_new_tokens": 8}, "num_samples": 2}
    records = rows("Once", ValueError("torn"), "A dog", "The end")
    whole = completions(records, **sampled)
    rest = completions(records, skip_rows=2, **sampled)
    assert [one.index for one in rest] == [2, 2, 3, 3]
    assert rest == whole[2:]


def test_beams_come_best_first() -> None:
    found = completions(rows("Once upon a time"), num_samples=3, sampling={"num_beams": 4})
    assert [one.sample for one in found] == [0, 1, 2]
    scores = [one.logprob / one.new_tokens for one in found]
    assert scores == sorted(scores, reverse=True)


def test_an_unknown_model_is_told_before_any_row_is_read() -> None:
    told = generate(GenerateConfig(records=rows("Once"), seed=1, model=ModelOptions(model="./nowhere")))
    assert next(told) == Stage(text="looking for ./nowhere")
    with pytest.raises(ModelError, match="no such directory"):
        next(told)


def test_without_a_name_and_a_network_the_built_in_model_is_used_with_one_notice() -> None:
    told = events(rows("Once"), model=ModelOptions())
    (warning,) = warnings(told)
    assert "built-in" in warning
    assert "-m gpt2" in warning
