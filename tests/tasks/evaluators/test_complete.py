"""The task complete: likelihoods are transformers', texts are generate's, scores are sacrebleu's and rouge-score's."""

import json
import random
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.files import TEMPLATE
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError, MissingExtraError
from gptcli.evaluation.matching import exact_match, normalized_match, token_f1
from gptcli.tasks.evaluators import complete as complete_module
from gptcli.tasks.evaluators.complete_options import GREEDY, CompleteOptions
from tests.conftest import save_random_gpt2
from tests.decoding import reference, reference_tokens
from tests.tasks.evaluators.scoring import differences, figures, records, roles, score

pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

PROMPTS = ("What is it?", "Who came", "x", "", "Where was it in the end")
WANTED = ("a cat", "nobody", "The y.", "anything at all", "in Rome")
ROWS = records({"prompt": PROMPTS, "completion": WANTED})
ROLES = roles("complete", ("prompt", "completion"), prompts=("prompt",), completion="completion")
SHORT = CompleteOptions(writing=replace(GREEDY, max_new_tokens=6))
UNWRITTEN = CompleteOptions(writing=None)


@pytest.fixture(scope="module")
def scored(tiny: Path) -> Any:
    return score(SHORT.evaluator(ROLES), tiny, ROWS)


def nats(model: Path, prompt: str, continuation: str) -> Any:
    """Return transformers' nats of each token of a continuation."""
    import torch

    tokenizer = load_tokenizer(model, read_config(model))
    read = tokenizer.encode(prompt) or [0]
    tokens = torch.tensor([[*read, *tokenizer.encode(continuation)][-49:]])  # the last one need not be read
    with torch.no_grad():
        logprobs = torch.log_softmax(reference(model)(tokens[:, :-1]).logits[0], -1)
    count = len(tokenizer.encode(continuation))
    return -logprobs.gather(1, tokens[0, 1:, None])[-count:, 0].double().numpy()


def test_references_are_as_likely_as_transformers_finds_them(tiny: Path, scored: Any) -> None:
    columns = scored.scores.columns
    wanted = [nats(tiny, prompt, f" {text}") for prompt, text in zip(PROMPTS, WANTED, strict=True)]
    assert columns["nats"] == pytest.approx([each.sum() for each in wanted], abs=1e-4)
    assert columns["tokens"].tolist() == [len(each) for each in wanted]
    assert columns["bytes"].tolist() == [len(text) + 1 for text in WANTED]
    found = figures(SHORT.evaluator(ROLES), scored.scores)
    everything = np.concatenate(wanted)
    assert found["nats_per_token"].value == pytest.approx(everything.mean(), abs=1e-5)
    assert found["perplexity"].value == pytest.approx(np.exp(everything.mean()), rel=1e-5)
    bits = everything.sum() / np.log(2) / sum(len(text) + 1 for text in WANTED)
    assert found["bits_per_byte"].value == pytest.approx(bits, rel=1e-5)


def test_texts_are_what_transformers_generates_greedily(tiny: Path, scored: Any) -> None:
    tokenizer = load_tokenizer(tiny, read_config(tiny))
    for prompt, text in zip(PROMPTS, scored.scores.texts["text"], strict=True):
        (tokens,) = reference_tokens(tiny, tokenizer.encode(prompt) or [0], max_new_tokens=6)
        assert text == tokenizer.decode([token for token in tokens if token])


def test_scores_are_those_of_sacrebleu_and_rouge_score(tiny: Path) -> None:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU, CHRF

    probe = score(SHORT.evaluator(ROLES), tiny, ROWS).scores
    texts = [text.strip() for text in probe.texts["text"]]
    # References near what is written, so that there is something to find.
    wanted = [text if number % 2 else f"{text[:3]} {text[2:]} it" for number, text in enumerate(texts)]
    rows = records({"prompt": PROMPTS, "completion": wanted})
    evaluator = SHORT.evaluator(ROLES)
    scores = score(evaluator, tiny, rows).scores
    found = figures(evaluator, scores)
    assert found["bleu"].value == pytest.approx(BLEU().corpus_score(texts, [wanted]).score, abs=1e-9)
    assert found["chrf"].value == pytest.approx(CHRF().corpus_score(texts, [wanted]).score, abs=1e-9)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    pairs = list(zip(texts, wanted, strict=True))
    for kind in ("rouge1", "rouge2", "rougeL"):
        expected = [scorer.score(reference, text)[kind].fmeasure for text, reference in pairs]
        assert found[kind].value == pytest.approx(np.mean(expected))
    for name, compare in (
        ("exact_match", exact_match),
        ("normalized_match", normalized_match),
        ("token_f1", token_f1),
    ):
        assert found[name].value == pytest.approx(np.mean([compare(text, reference) for text, reference in pairs]))
    assert found["exact_match"].value >= 0.4
    assert evaluator.row(scores, 1)["chrf"] == pytest.approx(CHRF().sentence_score(texts[1], [wanted[1]]).score)


def test_of_several_references_the_best_counts(tiny: Path) -> None:
    from sacrebleu.metrics import BLEU, CHRF

    evaluator = SHORT.evaluator(ROLES)
    written = [text.strip() for text in score(evaluator, tiny, ROWS).scores.texts["text"]]
    many: list[object] = [[f"{text} y z", None, "", text] for text in written]
    scores = score(evaluator, tiny, records({"prompt": PROMPTS, "completion": many})).scores
    found = figures(evaluator, scores)
    assert (found["exact_match"].value, found["token_f1"].value, found["rouge1"].value) != (0, 0, 0)
    assert found["exact_match"].value == 1
    streams = [[f"{text} y z" for text in written], written]
    assert found["bleu"].value == pytest.approx(BLEU().corpus_score(written, streams).score, abs=1e-9)
    assert found["chrf"].value == pytest.approx(CHRF().corpus_score(written, streams).score, abs=1e-9)
    for number, (prompt, text) in enumerate(zip(PROMPTS, written, strict=True)):
        each = [nats(tiny, prompt, f" {reference}") for reference in (f"{text} y z", text)]
        assert scores.columns["nats"][number] == pytest.approx(min(each, key=np.mean).sum(), abs=1e-4)
    details = evaluator.details(scores)
    assert details["references"] == [2, 2]
    assert details["bleu_signature"].startswith("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_signatures_are_sacrebleus_and_rows_are_told_whole(scored: Any) -> None:
    evaluator = SHORT.evaluator(ROLES)
    details = evaluator.details(scored.scores)
    assert set(details) == {"references", "bleu_signature", "chrf_signature", "rouge_signature"}
    row = evaluator.row(scored.scores, 0)
    assert json.loads(json.dumps(row)) == row
    assert (row["prompt"], row["references"]) == ("What is it?", ["a cat"])
    assert not any("_sum_" in name for name in row)
    assert {"text", "nats", "tokens", "bytes", "exact_match", "bleu", "chrf", "rougeL"} <= set(row)


def test_nothing_is_written_where_only_likelihoods_are_wanted(tiny: Path, scored: Any) -> None:
    evaluator = UNWRITTEN.evaluator(ROLES)
    alone = score(evaluator, tiny, ROWS)
    assert alone.scores.texts == {}
    assert tuple(figures(evaluator, alone.scores)) == evaluator.metrics
    assert alone.scores.columns["nats"] == pytest.approx(scored.scores.columns["nats"], abs=1e-5)
    assert evaluator.row(alone.scores, 0).keys() == {"nats", "tokens", "bytes"}
    assert alone.done == scored.done == list(range(5))


def test_the_order_of_rows_changes_nothing_but_their_place(tiny: Path, scored: Any) -> None:
    order = random.Random(3).sample(range(5), 5)
    shuffled = score(SHORT.evaluator(ROLES), tiny, [ROWS[number] for number in order], batch_size=2).scores
    for name, column in scored.scores.columns.items():
        assert shuffled.columns[name] == pytest.approx(column[order], abs=1e-4)
    assert shuffled.texts["text"] == tuple(scored.scores.texts["text"][number] for number in order)


def test_every_figure_of_enough_rows_lies_in_its_interval_and_a_model_equals_itself(tiny: Path) -> None:
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdefgh", k=4)) for _ in range(60)]
    evaluator = SHORT.evaluator(ROLES)
    scores = score(evaluator, tiny, records({"prompt": words, "completion": words[::-1]})).scores
    found = figures(evaluator, scores)
    assert all(each.low <= each.value <= each.high for each in found.values() if each.value)
    assert isnan(found["exact_match"].low)  # 0 of all rows
    for name, same in differences(evaluator, scores, scores).items():
        assert (same.difference.value, same.wins, same.losses) == (0, 0, 0), name


def test_two_models_are_compared_on_the_same_rows(tiny: Path, tmp_path: Path) -> None:
    other = save_random_gpt2(tmp_path, seed=5)
    evaluator = SHORT.evaluator(ROLES)
    first, second = (score(evaluator, model, ROWS).scores for model in (tiny, other))
    ours, theirs = (figures(evaluator, scores) for scores in (first, second))
    for name, comparison in differences(evaluator, first, second).items():
        assert comparison.difference.value == pytest.approx(ours[name].value - theirs[name].value, abs=1e-9)
        assert comparison.wins + comparison.ties + comparison.losses == 5
    assert evaluator.token_metrics == {"nats_per_token", "perplexity"}


@pytest.mark.parametrize(
    ("wanted", "failed", "told"),
    [
        (None, {}, "rows left out: they have no reference: 1 (first: in:2)"),
        ("  ", {}, "rows left out: they have no reference: 1 (first: in:2)"),
        ([], {}, "rows left out: they have no reference: 1 (first: in:2)"),
        (float("nan"), {}, "rows left out: they have no reference: 1 (first: in:2)"),
        ({"text": "a"}, {1: "holds an object in column completion, not text"}, ""),
        (["a", True], {1: "holds a boolean in column completion, not text"}, ""),
        ("z" * 60, {1: "has 61 tokens to predict, the context holds 48: shorten the row"}, ""),
    ],
)
def test_a_row_without_a_reference_is_left_out_and_one_that_cannot_be_fails(
    tiny: Path, wanted: object, failed: dict[int, str], told: str
) -> None:
    rows = records({"prompt": ["a", "b", "c"], "completion": ["x", wanted, "y"]})
    found = score(UNWRITTEN.evaluator(ROLES), tiny, rows)
    assert found.scores.index.tolist() == [0, 2]
    assert found.failed == failed
    assert found.warnings == ([told] if told else [])


def test_rows_that_cannot_be_read_or_have_no_prompt_fail_and_the_others_do_not(tiny: Path) -> None:
    rows = records({"prompt": [ValueError("is torn"), "b", 7, None], "completion": ["x"] * 4})
    found = score(SHORT.evaluator(ROLES), tiny, rows)
    assert found.failed == {0: "is torn", 3: "has no value in column prompt"}
    assert found.done == found.scores.index.tolist() == [1, 2]
    assert len(found.scores.texts["text"]) == 2


def test_a_long_prompt_loses_its_beginning_and_that_is_told(tiny: Path) -> None:
    prompt = "".join(chr(0x21 + position * 7 % 90) for position in range(80))
    found = score(SHORT.evaluator(ROLES), tiny, records({"prompt": [prompt], "completion": ["end"]}))
    assert found.scores.columns["nats"][0] == pytest.approx(nats(tiny, prompt, " end").sum(), abs=1e-4)
    assert found.warnings[0].startswith("texts longer than the context of 48 tokens")
    assert found.warnings[1].startswith("prompts cut to their last 43 tokens")


def test_texts_that_do_not_end_are_told_and_a_stop_text_ends_them(tiny: Path, scored: Any) -> None:
    assert scored.warnings[-1].startswith("texts that did not end within 6 tokens (--max-new-tokens, or --stop TEXT")
    first = scored.scores.texts["text"][0]
    stopped = CompleteOptions(writing=replace(GREEDY, max_new_tokens=6, stop=(first[2],)))
    text = score(stopped.evaluator(ROLES), tiny, ROWS[:1]).scores.texts["text"][0]
    assert text == first[: first.index(first[2])]


def with_template(model: Path, directory: Path, template: str, completion: str) -> Path:
    """Copy a model, and save a template with it."""
    for file in model.iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    saved = {"name": None, "template": template, "completion": completion}
    (directory / TEMPLATE).write_text(json.dumps(saved), encoding="utf-8")
    return directory


def asked(model: Path, options: CompleteOptions, columns: dict[str, list[object]], **parts: Any) -> list[str]:
    """Return the prompts that a model reads."""
    evaluator = options.evaluator(roles("complete", columns, **parts))
    return list(score(evaluator, model, records(columns)).scores.texts["prompt"])


QA: dict[str, list[object]] = {"question": ["Why?"], "answer": ["so"]}


def test_the_template_is_the_one_asked_for_else_the_models_else_that_of_the_columns(tiny: Path, tmp_path: Path) -> None:
    qa = {"prompts": ("question",), "completion": "answer"}
    assert asked(tiny, SHORT, QA, **qa) == ["Question: Why?\nAnswer:"]
    tuned = with_template(tiny, tmp_path, "Q {question} A {answer}!", "answer")
    assert asked(tuned, SHORT, QA, **qa) == ["Q Why? A"]
    assert asked(tuned, replace(SHORT, template="none"), QA, **qa) == ["Why?"]
    assert asked(tuned, replace(SHORT, template="qa"), QA, **qa) == ["Question: Why?\nAnswer:"]
    assert asked(tuned, replace(SHORT, template="<{question}> {answer}"), QA, **qa) == ["<Why?>"]
    other = {"asked": ["Why?"], "said": ["so"]}
    assert asked(tuned, SHORT, other, prompts=("asked",), completion="said") == ["Q Why? A"]


def test_a_template_that_does_not_fit_says_so(tiny: Path, tmp_path: Path) -> None:
    qa = {"prompts": ("question",), "completion": "answer"}
    with pytest.raises(ConfigError, match="--template chapter is none of"):
        CompleteOptions(template="chapter")
    with pytest.raises(InputError, match="--template: no column title: the columns are question, answer"):
        asked(tiny, replace(SHORT, template="{title} {answer}"), QA, **qa)
    tuned = with_template(tiny, tmp_path, "{title} by {author}: {text}", "text")
    with pytest.raises(
        InputError, match=r"needs columns called title and author, and there are question, answer.*--template"
    ):
        asked(tuned, SHORT, QA, **qa)


def test_without_the_extra_the_other_figures_are_there_and_the_command_that_installs_it(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_module, "overlaps_available", lambda: False)
    evaluator = SHORT.evaluator(ROLES)
    found = score(evaluator, tiny, ROWS)
    assert sum('pip install "gptcli[metrics]"' in text for text in found.warnings) == 1
    assert set(figures(evaluator, found.scores)) == {
        *("bits_per_byte", "nats_per_token", "perplexity", "exact_match", "normalized_match", "token_f1")
    }
    assert set(evaluator.details(found.scores)) == {"references"}
    assert "bleu" not in evaluator.row(found.scores, 0)
    with pytest.raises(MissingExtraError, match=r'--fail-under bleu: .*pip install "gptcli\[metrics\]"'):
        evaluator.require("bleu")
    evaluator.require("exact_match")


def test_no_rows_at_all_have_the_same_columns(tiny: Path, scored: Any) -> None:
    nothing: list[Record] = []
    found = score(SHORT.evaluator(ROLES), tiny, nothing).scores
    assert found.columns.keys() == scored.scores.columns.keys()
    assert found.texts.keys() == scored.scores.texts.keys()
    assert SHORT.evaluator(ROLES).details(found)["references"] is None


def test_the_convention_tells_how_it_was_asked() -> None:
    told = (
        CompleteOptions(template="qa", writing=replace(GREEDY, num_beams=3, stop=("\n",))).evaluator(ROLES).convention
    )
    assert (told["template"], told["decoding"], told["max_new_tokens"], told["stop"]) == ("qa", "3 beams", 50, ["\n"])
    assert "decoding" not in UNWRITTEN.evaluator(ROLES).convention
