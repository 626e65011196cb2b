"""A text to explore: what may come next, the options that change it, and the way there and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import InputError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion
from gptcli.tasks.explain_events import NextToken
from gptcli.tasks.exploring import Exploration, Knob
from gptcli.tasks.generate import generate
from tests.explorers import explored, opened


def choices(exploration: Exploration) -> tuple[NextToken, ...]:
    """Return what may come next."""
    found = exploration.candidates()
    assert found is not None
    return exploration.choices(found)


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1.0, 0, 1.0), (0.6, 7, 1.0), (1.5, 20, 0.8), (0.9, 0, 0.3)]
)
def test_candidates_have_the_probabilities_of_transformers(
    tiny: Path, temperature: float, top_k: int, top_p: float
) -> None:
    import torch
    from transformers import GPT2LMHeadModel, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    options = SamplingOptions(temperature=temperature, top_k=top_k, top_p=top_p)
    exploration = explored(tiny, "some text", options)
    with torch.no_grad():
        logits = GPT2LMHeadModel.from_pretrained(tiny)(torch.tensor([exploration.tokens])).logits[:, -1]
    warped = TemperatureLogitsWarper(temperature)(None, logits)
    warped = TopKLogitsWarper(top_k)(None, warped) if top_k else warped
    warped = TopPLogitsWarper(top_p)(None, warped)
    model, drawn = logits.softmax(-1)[0].numpy(), warped.softmax(-1)[0].numpy()
    seen = choices(exploration)
    assert [choice.token for choice in seen] == list(np.argsort(-model, kind="stable"))
    np.testing.assert_allclose([choice.probability for choice in seen], [model[c.token] for c in seen], rtol=1e-4)
    np.testing.assert_allclose([choice.drawn for choice in seen], [drawn[c.token] for c in seen], rtol=1e-4)


def test_taking_the_likeliest_token_again_and_again_writes_what_greedy_generate_writes(builtin: Path) -> None:
    exploration = explored(builtin, "Once upon a")
    for _ in range(12):
        exploration.take(choices(exploration)[0].token)
    config = GenerateConfig(
        records=[Record(source="", line=1, columns={"text": "Once upon a"})],
        seed=0,
        model=ModelOptions(model=str(builtin), device="cpu"),
        sampling=SamplingOptions(temperature=0, max_new_tokens=12),
    )
    (completion,) = [event for event in generate(config) if isinstance(event, Completion)]
    assert exploration.text == "Once upon a" + completion.text


def test_back_undoes_what_was_taken_and_written_up_to_the_first_text(tiny: Path) -> None:
    exploration = explored(tiny, "ab")
    before = choices(exploration)
    exploration.take(5)
    exploration.write(" cd")
    assert exploration.text == "ab$ cd"
    assert exploration.back()
    assert exploration.back()
    assert (exploration.text, choices(exploration)) == ("ab", before)
    assert not exploration.back()
    assert exploration.text == "ab"


def test_a_text_written_behind_is_tokenized_together_with_what_is_there(builtin: Path) -> None:
    exploration = explored(builtin, "Once up")
    exploration.write("on a time")
    assert exploration.tokens == tuple(opened(builtin)[0].tokenizer.encode("Once upon a time"))


def test_a_text_written_behind_half_a_character_leaves_it_as_it_is(builtin: Path) -> None:
    tokenizer = opened(builtin)[0].tokenizer
    half = tokenizer.encode("\N{SNOWMAN}")[0]
    exploration = explored(builtin, "Snow")
    exploration.take(half)
    before = exploration.tokens
    exploration.write(" man")
    assert exploration.tokens == (*before, *tokenizer.encode(" man"))
    assert exploration.text == "Snow\ufffd man"


def test_writing_nothing_is_no_step(tiny: Path) -> None:
    exploration = explored(tiny)
    exploration.write("")
    assert not exploration.back()


def test_half_of_a_surrogate_pair_is_refused_and_nothing_changes(tiny: Path) -> None:
    exploration = explored(tiny)
    with pytest.raises(InputError, match="surrogate"):
        exploration.write("\ud83d")
    assert exploration.text == "ab"


def test_an_empty_text_goes_on_from_the_beginning_of_text_token(tiny: Path) -> None:
    assert choices(explored(tiny, "")) == choices(explored(tiny, "<|endoftext|>"))


def test_of_a_text_beyond_the_context_the_last_tokens_are_read(tiny: Path) -> None:
    long = explored(tiny, "xyz" + "ab" * 24)
    assert (long.unseen, choices(long)) == (3, choices(explored(tiny, "ab" * 24)))


def test_the_history_counts_for_the_repetition_penalty(tiny: Path) -> None:
    penalized = choices(explored(tiny, "abab", SamplingOptions(top_k=0, repetition_penalty=5.0)))
    plain = {choice.token: choice.drawn for choice in choices(explored(tiny, "abab"))}
    seen = set(explored(tiny, "abab").tokens)
    assert all(choice.drawn < plain[choice.token] for choice in penalized if choice.token in seen)


@pytest.mark.parametrize(
    ("knob", "value", "smaller", "larger"),
    [
        ("temperature", 1.0, 0.9, 1.1),
        ("temperature", 0.75, 0.7, 0.8),
        ("temperature", 0.0, 0.0, 0.1),
        ("temperature", 5.0, 2.0, 5.0),
        ("top_p", 1.0, 0.95, 1.0),
        ("top_p", 0.01, 0.01, 0.05),
        ("top_k", 50, 20, 100),
        ("top_k", 0, 1000, 0),
        ("top_k", 1000, 500, 0),
        ("top_k", 1, 1, 2),
        ("top_k", 4000, 1000, 0),
    ],
)
def test_an_option_turns_to_the_next_step_and_stays_at_the_last(
    tiny: Path, knob: Knob, value: float, smaller: float, larger: float
) -> None:
    exploration = explored(tiny, options=replace(SamplingOptions(), **{knob: value}))
    exploration.turn(knob, -1)
    assert getattr(exploration.options, knob) == smaller
    exploration.reset()
    assert getattr(exploration.options, knob) == value
    exploration.turn(knob, 1)
    assert getattr(exploration.options, knob) == larger


def test_turning_an_option_changes_what_is_kept_at_once(tiny: Path) -> None:
    exploration = explored(tiny)
    exploration.turn("temperature", -1)
    sharper = choices(exploration)[0]
    exploration.reset()
    assert sharper.drawn > choices(exploration)[0].drawn == pytest.approx(sharper.probability)
    for _ in range(21):
        exploration.turn("temperature", -1)
    assert [choice.drawn for choice in choices(exploration)[:2]] == [1.0, 0.0]
