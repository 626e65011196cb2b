"""The task lastword: whether the last word is the likeliest, and how likely it is, are transformers'."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.lastword_options import LastWordOptions
from tests.conftest import save_random_gpt2
from tests.decoding import reference
from tests.tasks.evaluators.scoring import differences, figures, records, roles, score

TEXTS = ["one two three", "It was a dark\nand stormy night", "so  so", "a b", "The end of the long story of mine"]


def evaluator(protocol: str | None = None) -> Evaluator:
    """Return the task for a column called text."""
    return LastWordOptions(protocol=protocol).evaluator(roles("lastword", ("text",), text="text"))


def predicted(model: Path, text: str, scored: int) -> tuple[float, bool]:
    """Return transformers' log-likelihood of a text's last tokens, and whether each is the likeliest."""
    import torch

    tokens = torch.tensor([load_tokenizer(model, read_config(model)).encode(text)[-49:]])
    with torch.no_grad():
        logprobs = torch.log_softmax(reference(model)(tokens[:, :-1]).logits[0], -1)[-scored:]
    wanted = tokens[0, -scored:]
    total = float(logprobs.gather(1, wanted[:, None]).double().sum())
    return total, bool((logprobs.argmax(-1) == wanted).all())


@pytest.fixture(scope="module")
def scored(tiny: Path) -> Any:
    return score(evaluator(), tiny, records({"text": TEXTS}))


@pytest.mark.parametrize("protocol", ["lm-eval", "last-token"])
def test_all_tokens_of_the_last_word_are_predicted_or_the_last_one(tiny: Path, protocol: str) -> None:
    found = score(evaluator(protocol), tiny, records({"text": TEXTS}))
    # One byte is one token here. The space belongs to the word, and of two only the second.
    lengths = [6, 6, 4, 2, 5] if protocol == "lm-eval" else [1] * 5
    expected = [predicted(tiny, text, length) for text, length in zip(TEXTS, lengths, strict=True)]
    columns = found.scores.columns
    assert columns["tokens"].tolist() == lengths
    assert columns["nats"].tolist() == pytest.approx([-total for total, _ in expected], abs=1e-4)
    assert columns["correct"].tolist() == [float(right) for _, right in expected]
    result = figures(evaluator(protocol), found.scores)
    assert result["accuracy"].value == np.mean([right for _, right in expected])
    assert result["perplexity"].value == pytest.approx(np.exp(-np.mean([total for total, _ in expected])), rel=1e-4)


def test_a_word_that_the_model_would_write_is_right(tiny: Path) -> None:
    """Writing greedily on from a text, up to the next space, gives a text whose last word is predicted."""
    import torch

    tokenizer = load_tokenizer(tiny, read_config(tiny))
    with torch.no_grad():
        likeliest = int(reference(tiny)(torch.tensor([tokenizer.encode("one two ")])).logits[0, -1].argmax())
        after_word = int(reference(tiny)(torch.tensor([tokenizer.encode("one two")])).logits[0, -1].argmax())
    text = "one two " + tokenizer.decode([likeliest])
    (right,) = score(evaluator("last-token"), tiny, records({"text": [text]})).scores.columns["correct"]
    assert right == 1
    (whole,) = score(evaluator(), tiny, records({"text": [text]})).scores.columns["correct"]
    assert whole == (after_word == tokenizer.encode(" ")[0]), "the space before the word is predicted too"


def test_white_space_behind_the_last_word_is_not_read_and_that_is_told(tiny: Path, scored: Any) -> None:
    found = score(evaluator(), tiny, records({"text": [f"{TEXTS[0]} \n", TEXTS[1]]}))
    assert found.scores.columns["nats"].tolist() == scored.scores.columns["nats"][:2].tolist()
    assert found.warnings == ["texts that end in white space, which is not read: 1 (first: in:1)"]


def test_a_passage_beyond_the_window_loses_its_beginning_and_that_is_told(tiny: Path) -> None:
    text = "one two three " * 9 + "four"
    found = score(evaluator(), tiny, records({"text": [text]}))
    assert found.scores.columns["nats"][0] == pytest.approx(-predicted(tiny, text, 5)[0], abs=1e-4)
    assert found.warnings == [
        "texts longer than the context of 48 tokens, whose beginning is not read: 1 (first: in:1)"
    ]


@pytest.mark.parametrize(
    ("protocol", "text", "told"),
    [
        ("lm-eval", "word", "has no words before its last one"),
        ("lm-eval", " word", "has no words before its last one"),
        ("lm-eval", " \n", "is empty"),
        ("lm-eval", None, "has no value in column text"),
        ("lm-eval", 5.5, "has no words before its last one"),
        ("lm-eval", "a " + "b" * 60, "has 61 tokens to predict, the context holds 48: shorten the row"),
        ("last-token", "x", "has one token: there is nothing to predict it from"),
        ("last-token", "", "is empty"),
        ("last-token", RuntimeError("is not JSON"), "is not JSON"),
    ],
)
def test_a_row_without_a_last_word_fails_alone(tiny: Path, protocol: str, text: object, told: str) -> None:
    found = score(evaluator(protocol), tiny, records({"text": [text, "a b"]}))
    assert found.failed == {0: told}
    assert found.scores.index.tolist() == [1]


def test_a_row_tells_whether_its_word_is_right_and_how_likely(scored: Any) -> None:
    row = evaluator().row(scored.scores, 0)
    assert list(row) == ["correct", "logprob", "tokens"]
    assert (row["correct"], row["tokens"]) == (bool(scored.scores.columns["correct"][0]), 6)


def test_two_models_are_compared_in_accuracy_and_in_nats(tiny: Path, scored: Any, tmp_path: Path) -> None:
    other = score(evaluator(), save_random_gpt2(tmp_path, seed=3), records({"text": TEXTS}))
    found = differences(evaluator(), scored.scores, other.scores)
    nats = [one.scores.columns["nats"].mean() for one in (scored, other)]
    assert found["perplexity"].difference.value == pytest.approx(nats[0] - nats[1])
    assert found["perplexity"].wins == np.sum(scored.scores.columns["nats"] < other.scores.columns["nats"])
    assert set(found) == set(evaluator().metrics)


def test_figures_of_a_word_compare_between_tokenizers_and_those_of_a_token_do_not() -> None:
    assert evaluator().token_metrics == frozenset()
    assert evaluator("last-token").token_metrics == {"accuracy", "perplexity"}
    assert evaluator("last-token").convention == {
        "protocol": "last-token",
        "column": "text",
        "predicted": "the last token",
    }


def test_a_protocol_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="--protocol of lastword must be lm-eval or last-token, not 'gpt2-paper'"):
        LastWordOptions(protocol="gpt2-paper")
    with pytest.raises(ConfigError, match="--task lastword needs a column of texts"):
        LastWordOptions().evaluator(roles("lastword", ("text",)))
