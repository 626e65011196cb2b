"""The classify task with tiny models: from rows to events."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError, ModelError
from gptcli.tasks.classify import classify
from gptcli.tasks.config import ClassifyConfig
from gptcli.tasks.events import Classified, Event, Measured, ModelReady, Notice, RowFailed, Stage
from tests.classifiers import reference_logits, save_random_classifier
from tests.conftest import save_random_gpt2

TEXTS = ("hello", "I hate it", "so so", "what a film", "x")


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of three classes, with a pad token behind the vocabulary as finetune makes it."""
    directory = tmp_path_factory.mktemp("single")
    return save_random_classifier(directory, "bad", "good", "so-so", vocab_size=97, pad_token_id=96)


@pytest.fixture(scope="module")
def multi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier whose labels do not exclude each other."""
    return save_random_classifier(tmp_path_factory.mktemp("multi"), "a", "b", "c", kind="multi_label_classification")


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of one number."""
    return save_random_classifier(tmp_path_factory.mktemp("regression"), "LABEL_0", kind=None)


def rows(*texts: object, **more: list[object]) -> list[Record]:
    """Return a record a text; an exception stands for a row that could not be read."""
    return [
        Record(source="in", line=number + 1, error=str(text))
        if isinstance(text, Exception)
        else Record(
            source="in",
            line=number + 1,
            columns={"text": text, **{name: values[number] for name, values in more.items()}},
        )
        for number, text in enumerate(texts)
    ]


def events(model: Path, records: Iterable[Record], **options: Any) -> list[Event]:
    """Run the task to its end."""
    return list(
        classify(ClassifyConfig(records=records, model=ModelOptions(model=str(model), device="cpu"), **options))
    )


def classified(told: list[Event]) -> list[Classified]:
    """Return the answers alone."""
    return [event for event in told if isinstance(event, Classified)]


def warnings(told: list[Event]) -> list[str]:
    """Return the notices that a person sees without asking for details."""
    return [event.text for event in told if isinstance(event, Notice) and not event.detail]


def logits(model: Path, text: str) -> Any:
    """Return transformers' logits of a text."""
    return reference_logits(model, load_tokenizer(model, read_config(model)).encode(text))


def test_the_story_is_told_in_order_around_the_results(single: Path) -> None:
    told = events(single, rows("hello"))
    assert [type(event) for event in told] == [Stage, Stage, ModelReady, Notice, Stage, Classified]
    assert any(isinstance(event, Notice) and event.text.endswith("single: bad, good, so-so") for event in told)


def test_probabilities_are_transformers_likeliest_first(single: Path) -> None:
    for text, found in zip(TEXTS, classified(events(single, rows(*TEXTS))), strict=True):
        expected = softmax(logits(single, text))
        assert dict(found.probabilities) == pytest.approx(
            dict(zip(("bad", "good", "so-so"), expected.tolist(), strict=True)), abs=1e-4
        )
        assert [value for _, value in found.probabilities] == sorted(dict(found.probabilities).values(), reverse=True)
        assert found.labels == (found.probabilities[0][0],)
        assert (found.text, found.tokens) == (text, len(text))


def test_only_so_many_of_the_likeliest_are_told(single: Path) -> None:
    everything, top = (classified(events(single, rows("hello"), top=top))[0] for top in (None, 2))
    assert top.probabilities == everything.probabilities[:2]


def test_no_class_is_given_where_none_is_likely_enough(single: Path) -> None:
    (found,) = classified(events(single, rows("hello")))
    best = found.probabilities[0][1]
    for min_prob, labels in ((best, found.labels), (best + 1e-6, ())):
        assert classified(events(single, rows("hello"), min_prob=min_prob))[0].labels == labels


@pytest.mark.parametrize("threshold", [None, 0.2, 0.999])
def test_every_label_from_the_threshold_on_is_given(multi: Path, threshold: float | None) -> None:
    for text, found in zip(TEXTS, classified(events(multi, rows(*TEXTS), threshold=threshold)), strict=True):
        expected = expit(logits(multi, text))
        likely = [name for name, value in zip("abc", expected, strict=True) if value >= (threshold or 0.5)]
        assert list(found.labels) == likely


def test_a_model_of_several_labels_may_give_none_so_that_there_is_a_place_for_another_word(multi: Path) -> None:
    assert classified(events(multi, rows("hello"), abstains=True)) == classified(events(multi, rows("hello")))


def test_a_regression_gives_the_number(regression: Path) -> None:
    for text, found in zip(TEXTS, classified(events(regression, rows(*TEXTS))), strict=True):
        assert found.value == pytest.approx(logits(regression, text)[0], abs=1e-4)
        assert (found.labels, found.probabilities) == ((), ())


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("multi", {"top": 1}, "--top cannot apply: this model gives each text any number of labels"),
        ("regression", {"min_prob": 0.5}, "--min-prob cannot apply: this model gives each text a number"),
        ("single", {"threshold": 0.5}, "--threshold cannot apply: this model gives each text one class"),
        ("single", {"label_separator": ","}, "--label-separator cannot apply: this model gives each text one class"),
        ("single", {"abstains": True}, "--abstain-label needs --min-prob: this model gives each text one class"),
        ("regression", {"abstains": True}, "--abstain-label cannot apply: this model gives each text a number"),
    ],
)
def test_an_option_that_the_model_has_no_use_for_is_refused(
    request: pytest.FixtureRequest, kind: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        events(request.getfixturevalue(kind), rows("hello"), **options)


@pytest.mark.parametrize("value", [None, float("nan"), ["hello"], True, "\ud800", ValueError("is torn")])
def test_a_row_without_text_fails_and_the_others_do_not(single: Path, value: object) -> None:
    told = events(single, rows("hello", value, "what"))
    assert [event.index for event in told if isinstance(event, Classified)] == [0, 2]
    assert [event.index for event in told if isinstance(event, RowFailed)] == [1]


def test_an_input_without_the_column_is_an_error_that_lists_what_there_is(single: Path) -> None:
    with pytest.raises(InputError, match="in: no column text or prompt: choose one of body with --column NAME"):
        events(single, [Record(source="in", line=1, columns={"body": "hello"})])
    with pytest.raises(InputError, match="in: no column y: choose one of text with --label-column NAME"):
        events(single, rows("hello"), label_column="y")


def test_an_empty_text_is_labelled_by_the_beginning_of_text_token_and_told_once(single: Path) -> None:
    told = events(single, rows("", "hello", ""))
    expected = softmax(reference_logits(single, [0]))
    assert classified(told)[0].probabilities[0][1] == pytest.approx(expected.max(), abs=1e-4)
    assert warnings(told) == ["empty texts, labelled by the beginning-of-text token: 2 (first: in:1)"]


def test_a_text_of_white_space_is_labelled_by_its_tokens_and_told(single: Path) -> None:
    told = events(single, rows("hello", "  ", " "))
    assert len(classified(told)) == 3
    assert warnings(told) == ["texts of white space only, labelled as they are: 2 (first: in:2)"]


LONG = "".join(chr(0x21 + position * 7 % 90) for position in range(130))  # 130 tokens, the context holds 48


def test_of_a_long_text_the_beginning_is_read_or_the_end(single: Path) -> None:
    for long, part, word in (("head", LONG[:48], "beginning"), ("tail", LONG[-48:], "end")):
        told = events(single, rows(LONG, "short"), long=long)
        assert classified(told)[0].probabilities[0][1] == pytest.approx(softmax(logits(single, part)).max(), abs=1e-4)
        assert classified(told)[0].tokens == 48
        (warning,) = warnings(told)
        assert warning.startswith(f"texts longer than the context of 48 tokens, only their {word} is read")
        assert warning.endswith(": 1 (first: in:1)")


def test_or_all_of_it_in_whole_windows(single: Path) -> None:
    windows = np.array([softmax(logits(single, LONG[begin : begin + 48])) for begin in (0, 48, 82)])
    for long, expected in (("mean", windows.mean(axis=0)), ("max", windows[windows.max(axis=1).argmax()])):
        (found,) = classified(events(single, rows(LONG), long=long))
        assert [value for _, value in found.probabilities] == pytest.approx(sorted(expected, reverse=True), abs=1e-4)
        assert found.tokens == 3 * 48


@pytest.mark.parametrize("long", ["head", "tail", "mean"])
def test_a_text_far_longer_than_is_tokenized_at_once_reads_as_the_whole(single: Path, long: str) -> None:
    text = "one two three " * 3000
    part = {"head": text[:48], "tail": text[-48:]}.get(long, "")
    (found,) = classified(events(single, rows(text), long=long))
    if part:
        assert found.probabilities[0][1] == pytest.approx(softmax(logits(single, part)).max(), abs=1e-4)
    else:
        assert found.tokens == -(-len(text) // 48) * 48


def test_labels_of_the_input_are_compared_and_the_accuracy_told_last(single: Path) -> None:
    given = [found.labels[0] for found in classified(events(single, rows(*TEXTS)))]
    wrong = {"bad": "good", "good": "so-so", "so-so": "bad"}
    true: list[object] = [given[0], wrong[given[1]], f" {given[2]} ", "unheard of", None]
    told = events(single, rows(*TEXTS, y=true), label_column="y")
    assert told[-1] == Measured(name="accuracy", value=0.5, rows=4)
    assert warnings(told) == [
        "rows with a label that the model does not have, counted as wrong: 1 (first: in:4)",
        "rows left out of the accuracy: they have no label: 1 (first: in:5)",
    ]


def test_a_row_without_an_answer_counts_as_wrong(single: Path) -> None:
    told = events(single, rows("hello", y=["bad"]), label_column="y", min_prob=1)
    assert told[-1] == Measured(name="accuracy", value=0, rows=1)
    assert warnings(told) == ["rows without an answer, counted as wrong: 1 (first: in:1)"]


def test_several_labels_are_right_only_together(multi: Path) -> None:
    given = [found.labels for found in classified(events(multi, rows(*TEXTS)))]
    true: list[object] = [list(given[0]), "; ".join(given[1]), "", ";".join([*given[3], *given[3]]), "a;b;c"]
    told = events(multi, rows(*TEXTS, y=true), label_column="y", label_separator=";")
    right = [set(found) == set(names) for found, names in zip(given[:2], given[:2], strict=True)]
    right += [given[3] == given[3], set(given[4]) == set("abc")]
    assert told[-1] == Measured(name="accuracy", value=sum(right) / 4, rows=4)


def test_a_regression_tells_its_mean_error(regression: Path) -> None:
    values = [found.value for found in classified(events(regression, rows(*TEXTS)))]
    true: list[object] = [str((value or 0) + 0.5) for value in values[:4]] + ["n/a"]
    told = events(regression, rows(*TEXTS, y=true), label_column="y")
    assert isinstance(told[-1], Measured)
    assert (told[-1].name, told[-1].rows) == ("mean absolute error", 4)
    assert told[-1].value == pytest.approx(0.5)


def test_rows_that_an_earlier_run_has_done_are_passed_over_and_the_others_stay_as_they_were(single: Path) -> None:
    whole = classified(events(single, rows(*TEXTS)))
    assert classified(events(single, rows(*TEXTS), skip_rows=3)) == whole[3:]


def test_a_model_without_a_head_is_told_before_any_row_is_read() -> None:
    def untouched() -> Iterable[Record]:
        raise AssertionError("a row was read")
        yield

    with pytest.raises(ModelError, match="builtin has no classification head; name the labels with --labels"):
        events(Path("builtin"), untouched())


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft's own
def test_an_adapter_of_a_language_model_labels_as_in_peft(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2ForSequenceClassification

    base = save_random_gpt2(tmp_path / "base")
    model = GPT2ForSequenceClassification.from_pretrained(base, num_labels=3)
    adapted = get_peft_model(model, LoraConfig(r=3, task_type="SEQ_CLS", fan_in_fan_out=True)).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name or "score" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name))))
    adapted.save_pretrained(tmp_path / "adapter")
    ids = load_tokenizer(base, read_config(base)).encode("hello")
    with torch.no_grad():
        expected = torch.softmax(adapted(torch.tensor([ids])).logits[0], -1).tolist()
    (found,) = classified(events(tmp_path / "adapter", rows("hello")))
    assert dict(found.probabilities) == pytest.approx(
        {f"LABEL_{number}": value for number, value in enumerate(expected)}, abs=1e-4
    )


def test_weights_that_give_no_number_are_an_error(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    directory = save_random_classifier(tmp_path, "bad", "good")
    tensors = load_file(directory / "model.safetensors")
    tensors["score.weight"] = torch.full_like(tensors["score.weight"], float("nan"))
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="predicts no number"):
        events(directory, rows("hello"))
