"""The task choices: likelihoods of endings are transformers', and the largest is chosen by each of their lengths."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.choices import require_choice_shape
from gptcli.data.records import Record
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.choices_options import ChoicesOptions
from tests.conftest import save_random_gpt2
from tests.decoding import reference
from tests.tasks.evaluators.scoring import differences, figures, records, roles, score

COLUMNS: dict[str, list[object]] = {
    "context": ["What is it?", "One, two,", "x", "The dog ", ""],
    "endings": [["a cat", "dog", "the very largest of them"], ["three", "4"], ["y", "zz"], ["ran", "was"], ["a", "bc"]],
    "answer": [1, 0, 1, 0, "bc"],
}
NORMALIZATIONS = ("sum", "tokens", "characters", "bytes")


def evaluator(columns: dict[str, list[object]], **options: Any) -> Evaluator:
    """Return the task for data with such columns."""
    sample = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    shape = require_choice_shape(list(columns), sample)
    return ChoicesOptions(**options).evaluator(roles("choices", columns, choices=shape))


def logprob(model: Path, context: str, continuation: str) -> tuple[float, int]:
    """Return transformers' log-likelihood of a continuation and its number of tokens; one byte is one token here."""
    import torch

    tokenizer = load_tokenizer(model, read_config(model))
    scored = tokenizer.encode(context[len(context.rstrip()) :] + continuation)
    read = tokenizer.encode(context.rstrip()) or [0]
    tokens = torch.tensor([[*read, *scored][-49:]])  # the last one need not be read
    with torch.no_grad():
        logprobs = torch.log_softmax(reference(model)(tokens[:, :-1]).logits[0], -1)
    chosen = logprobs.gather(1, tokens[0, 1:, None])[-len(scored) :, 0]
    return float(chosen.double().sum()), len(scored)


def expected(model: Path) -> list[dict[str, int]]:
    """Return what each normalization chooses in each row, by transformers."""
    rows = []
    for context, endings in zip(COLUMNS["context"], COLUMNS["endings"], strict=True):
        found = [logprob(model, str(context).strip(), f" {ending}") for ending in endings]  # type: ignore[attr-defined]
        lengths = [(1, tokens, len(e), len(e.encode())) for (_, tokens), e in zip(found, endings, strict=True)]  # type: ignore[call-overload]
        rows.append(
            {
                name: int(np.argmax([total / length[n] for (total, _), length in zip(found, lengths, strict=True)]))
                for n, name in enumerate(NORMALIZATIONS)
            }
        )
    return rows


@pytest.fixture(scope="module")
def scored(tiny: Path) -> Any:
    return score(evaluator(COLUMNS), tiny, records(COLUMNS))


def test_the_likeliest_ending_is_chosen_by_each_of_its_lengths(tiny: Path, scored: Any) -> None:
    rows = expected(tiny)
    for name in NORMALIZATIONS:
        assert scored.scores.columns[f"chosen_by_{name}"].tolist() == [row[name] for row in rows]
    assert len({tuple(row.values()) for row in rows}) > 1, "the lengths must matter somewhere"
    assert scored.scores.columns["answer"].tolist() == [1, 0, 1, 0, 1]
    assert scored.scores.columns["endings"].tolist() == [3, 2, 2, 2, 2]
    assert scored.done == [0, 1, 2, 3, 4]


def test_the_answers_likelihood_and_its_lead_are_transformers(tiny: Path, scored: Any) -> None:
    for number, (context, endings) in enumerate(zip(COLUMNS["context"], COLUMNS["endings"], strict=True)):
        totals = [logprob(tiny, str(context).strip(), f" {ending}")[0] for ending in endings]  # type: ignore[attr-defined]
        right = totals.pop(int(scored.scores.columns["answer"][number]))
        assert scored.scores.columns["logprob"][number] == pytest.approx(right, abs=1e-4)
        assert scored.scores.columns["margin"][number] == pytest.approx(right - max(totals), abs=2e-4)


def test_the_figures_are_shares_of_right_answers(tiny: Path, scored: Any) -> None:
    answers, rows = [1, 0, 1, 0, 1], expected(tiny)
    found = figures(evaluator(COLUMNS), scored.scores)
    names = ("accuracy", "accuracy_by_tokens", "accuracy_by_characters", "accuracy_by_bytes")
    for metric, name in zip(names, NORMALIZATIONS, strict=True):
        right = [row[name] == answer for row, answer in zip(rows, answers, strict=True)]
        assert found[metric].value == pytest.approx(np.mean(right))
        assert found[metric].rows == 5
    assert tuple(found) == names == evaluator(COLUMNS).metrics
    assert evaluator(COLUMNS).details(scored.scores)["chance"] == pytest.approx((1 / 3 + 4 / 2) / 5)


def test_the_normalization_that_is_asked_for_comes_first_and_judges_each_row(scored: Any) -> None:
    by_bytes = evaluator(COLUMNS, normalization="bytes")
    assert by_bytes.metrics == ("accuracy_by_bytes", "accuracy", "accuracy_by_tokens", "accuracy_by_characters")
    for number in range(5):
        row = by_bytes.row(scored.scores, number)
        assert row["correct"] == (row["chosen_by_bytes"] == row["answer"])
        assert list(row) == [
            "answer",
            "endings",
            *(f"chosen_by_{n}" for n in NORMALIZATIONS),
            "correct",
            "logprob",
            "margin",
        ]


def test_one_space_joins_context_and_ending_whatever_white_space_the_context_has(tiny: Path, scored: Any) -> None:
    columns = {"context": [" The dog\n"], "endings": [["ran", "was"]], "answer": [0]}
    found = score(evaluator(columns), tiny, records(columns))
    assert found.scores.columns["logprob"][0] == pytest.approx(scored.scores.columns["logprob"][3], abs=1e-5)


def test_white_space_within_what_is_read_counts_to_the_ending(tiny: Path) -> None:
    """As in lm-evaluation-harness: marks that are taken out may leave a space at the end of a context."""
    row: dict[str, list[object]] = {"activity_label": ["Run"], "ctx_a": ["He runs"], "ctx_b": ["[x]"]}
    row |= {"endings": [["far", "off"]], "label": [0]}
    found = score(evaluator(row, protocol="lm-eval"), tiny, records(row))
    assert found.scores.columns["logprob"][0] == pytest.approx(logprob(tiny, "Run: He runs ", " far")[0], abs=1e-4)


def test_an_empty_context_begins_with_the_beginning_of_text_and_is_told(scored: Any) -> None:
    assert scored.warnings == ["empty contexts, continued from the beginning-of-text token: 1 (first: in:5)"]


def test_a_context_beyond_the_window_loses_its_beginning_and_that_is_told(tiny: Path) -> None:
    context = "".join(chr(0x21 + position * 7 % 90) for position in range(130))
    columns: dict[str, list[object]] = {"context": [context], "endings": [["abc", "xy"]], "answer": [0]}
    found = score(evaluator(columns), tiny, records(columns))
    assert found.scores.columns["logprob"][0] == pytest.approx(logprob(tiny, context, " abc")[0], abs=1e-4)
    assert found.warnings == [
        "texts longer than the context of 48 tokens, whose beginning is not read: 2 (first: in:1)"
    ]


def test_rows_do_not_depend_on_their_neighbours_or_on_the_batch(tiny: Path, backend_name: str, scored: Any) -> None:
    alone = [score(evaluator(COLUMNS), tiny, [record], backend=backend_name) for record in records(COLUMNS)]
    logprobs = [one.scores.columns["logprob"][0] for one in alone]
    assert scored.scores.columns["logprob"].tolist() == pytest.approx(logprobs, abs=1e-4)
    one_by_one = score(evaluator(COLUMNS), tiny, records(COLUMNS), batch_size=1)
    assert one_by_one.scores.columns["logprob"].tolist() == pytest.approx(logprobs, abs=1e-4)


def test_a_row_that_is_no_question_fails_alone(tiny: Path) -> None:
    columns: dict[str, list[object]] = {
        "context": ["a", "b", "c", RuntimeError("is not JSON"), "d", "e"],
        "endings": [["x", "y"], ["x"], ["x", ""], [], ["x" * 60, "y"], ["x", "y"]],
        "answer": [0, 0, 0, 0, 1, 7],
    }
    found = score(evaluator(COLUMNS), tiny, records(columns))
    assert found.scores.index.tolist() == [0]
    assert found.failed == {
        1: "has 1 endings in column endings: a choice needs two or more",
        2: "has an empty ending (number 1, counted from 0): fill it in, or leave it out",
        3: "is not JSON",
        4: "has 61 tokens to predict, the context holds 48: shorten the row",
        5: "has the answer '7', none of its 2 endings, counted from 0",
    }


def test_two_models_are_compared_row_by_row(tiny: Path, scored: Any, tmp_path: Path) -> None:
    other = score(evaluator(COLUMNS), save_random_gpt2(tmp_path, seed=3), records(COLUMNS))
    found = differences(evaluator(COLUMNS), scored.scores, other.scores)
    first, second = (figures(evaluator(COLUMNS), one.scores) for one in (scored, other))
    assert list(found) == list(first)
    for name, comparison in found.items():
        assert comparison.difference.value == pytest.approx(first[name].value - second[name].value)
        assert comparison.wins + comparison.ties + comparison.losses == 5


def test_the_convention_says_how_questions_are_put(tiny: Path) -> None:
    hellaswag = {"ctx_a": ["He"], "ctx_b": ["runs"], "activity_label": ["Run"], "endings": [["a", "b"]], "label": ["0"]}
    assert evaluator(COLUMNS).convention["protocol"] == "plain"
    assert evaluator(hellaswag, protocol="lm-eval").convention == {
        "protocol": "lm-eval",
        "shape": "HellaSwag",
        "columns": ["ctx_a", "ctx_b", "endings", "label"],
        "delimiter": " ",
        "shots": 0,
    }
    found = score(evaluator(hellaswag, protocol="lm-eval"), tiny, records(hellaswag))
    assert found.scores.columns["logprob"][0] == pytest.approx(logprob(tiny, "Run: He Runs", " a")[0], abs=1e-4)


def test_no_rows_make_no_figures(tiny: Path) -> None:
    found = score(evaluator(COLUMNS), tiny, [Record(source="in", line=1, error="is bad")])
    assert all(math.isnan(interval.value) for interval in figures(evaluator(COLUMNS), found.scores).values())
    assert evaluator(COLUMNS).details(found.scores) == {"chance": None}


def test_a_protocol_that_is_none_or_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="--protocol of choices must be plain or lm-eval, not 'hf-docs'"):
        ChoicesOptions(protocol="hf-docs")
    with pytest.raises(ConfigError, match="--protocol lm-eval words HellaSwag, PIQA and ARC only"):
        evaluator(COLUMNS, protocol="lm-eval")
    with pytest.raises(ConfigError, match="--task choices needs rows with endings"):
        ChoicesOptions().evaluator(roles("choices", ("text",)))
