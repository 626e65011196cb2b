"""The chat task with the model that ships: what is answered, from which random numbers, and what is told."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.chat import Answered, Chat, open_chat
from gptcli.tasks.config import ChatConfig, GenerateConfig
from gptcli.tasks.dialogue import Turn
from gptcli.tasks.events import Completion, Notice, Stage, TextDelta
from gptcli.tasks.generate import generate

BUILTIN = ModelOptions(model="builtin", device="cpu")
HI = (Turn(role="user", text="Hello, who are you?"),)


def opened(model: str = "builtin", template: str | None = None, seed: int = 5, **sampling: Any) -> Chat:
    """Open a chat, whose story is not of interest."""
    options = SamplingOptions(**{"max_new_tokens": 12, **sampling})
    model_options = ModelOptions(model=model, device="cpu")
    events = open_chat(ChatConfig(seed=seed, model=model_options, sampling=options, template=template))
    while True:
        try:
            next(events)
        except StopIteration as end:
            chat: Chat = end.value
            return chat


@cache
def chat() -> Chat:
    """Return a chat opened once, for tests that do not care which answer of how many theirs is."""
    return opened()


def answers(chat: Chat, *, times: int = 1, turns: Sequence[Turn] = HI) -> list[str]:
    """Return the answer to the same turns again and again."""
    return [answer(chat, turns).text for _ in range(times)]


def answer(chat: Chat, turns: Sequence[Turn] = HI, *, most: int = 10**9) -> Answered:
    """Return an answer, cancelled after so many pieces."""
    pieces: list[str] = []
    for event in chat.answer(turns, lambda: len(pieces) >= most):
        if isinstance(event, TextDelta):
            pieces.append(event.text)
        elif isinstance(event, Answered):
            assert event.text == "".join(pieces)
            return event
    raise AssertionError("no answer came")


def notices(chat: Chat, turns: Sequence[Turn]) -> list[str]:
    """Return what an answer tells."""
    return [event.text for event in chat.answer(turns, lambda: False) if isinstance(event, Notice)]


def test_answer_n_draws_the_random_numbers_of_row_n_of_generate() -> None:
    spoken = answers(opened(seed=7), times=3)
    prompt = Record(source="in", line=1, columns={"prompt": "User: Hello, who are you?\nAssistant:"})
    sampling = SamplingOptions(max_new_tokens=12, stop=("\nUser:", "\nAssistant:"))
    config = GenerateConfig(records=[prompt] * 3, seed=7, model=BUILTIN, sampling=sampling)
    completions = [event.text for event in generate(config) if isinstance(event, Completion)]
    assert spoken == [text.strip() for text in completions]
    assert len(set(spoken)) == 3


def test_the_same_seed_gives_the_same_answers_and_another_seed_others() -> None:
    assert answers(opened(), times=2) == answers(opened(), times=2) != answers(opened(seed=6), times=2)


def test_setting_the_seed_begins_its_random_numbers_again_and_other_options_go_on() -> None:
    talk = opened(seed=5)
    first = answers(talk, times=2)
    options = SamplingOptions(max_new_tokens=12)
    talk.choose(options, (), 5)
    third = answers(talk)
    talk.choose(options, (), 6)
    talk.choose(options, (), 5)
    assert answers(talk, times=3) == first + third


def test_a_cancelled_answer_keeps_what_came_and_the_next_is_not_disturbed() -> None:
    whole = answers(opened(), times=2)
    talk = opened()
    cut = answer(talk, most=3)
    assert cut.finish_reason == "cancelled"
    assert cut.text
    assert whole[0].startswith(cut.text)
    assert not talk._model.engine.has_work
    assert answers(talk) == whole[1:]
    nothing = answer(talk, most=0)
    assert (nothing.text, nothing.finish_reason, nothing.new_tokens) == ("", "cancelled", 0)


def test_an_iterator_that_is_given_up_lets_go_of_the_engine() -> None:
    talk = opened()
    events = talk.answer(HI, lambda: False)
    next(events)
    events.close()
    assert not talk._model.engine.has_work


def test_an_answer_has_no_white_space_at_its_ends_while_it_is_streamed_either() -> None:
    turns = [*HI, Turn(role="assistant", text="I am"), Turn(role="user", text="And?")]
    for _ in range(3):
        pieces = [event.text for event in chat().answer(turns, lambda: False) if isinstance(event, TextDelta)]
        assert "".join(pieces) == "".join(pieces).strip()
        assert all(pieces)


def test_an_answer_stops_before_it_speaks_for_the_user() -> None:
    free = answer(opened(template="Q: {q}\nA: {completion}"))
    mark = free.text.split()[2]  # a user would begin with this word now
    stopped = answer(opened(template=f"Q: {{q}}\nA: {{completion}}{mark}"))
    assert stopped.text == free.text[: free.text.index(mark)].strip()
    assert stopped.finish_reason == "stop"


def test_the_oldest_turns_are_dropped_and_that_is_told_once() -> None:
    turns = [Turn(role=("user", "assistant")[n % 2], text="word " * 300) for n in range(5)]  # type: ignore[arg-type]
    talk = opened()
    (told, cut) = notices(talk, turns)
    assert told == "the window of 512 tokens is full: from now on the oldest turns are left out"
    assert cut == "an answer ends at --max-new-tokens 12, perhaps in the middle of a sentence"
    assert notices(talk, turns) == []


def test_a_turn_that_is_too_long_or_no_text_leaves_the_chat_as_it_was() -> None:
    whole = answers(opened(), times=1)
    talk = opened()
    for text in ("word " * 2000, "x" * 10_000_000, "\ud800"):
        with pytest.raises(InputError):
            answer(talk, [Turn(role="user", text=text)])
    assert answers(talk) == whole


@pytest.mark.parametrize(
    "text", ["", "\0", "\x1b[31m", "\u202e", "<|endoftext|>", "\U0001f468\u200d\U0001f469", "\u05d0"]
)
def test_any_text_is_answered(text: str) -> None:
    assert answer(chat(), [Turn(role="user", text=text)]).finish_reason in ("length", "stop", "eos")


def test_beams_give_an_answer_in_one_piece_and_more_of_them_need_another_start() -> None:
    talk = opened(num_beams=2, max_new_tokens=4)
    assert len([event for event in talk.answer(HI, lambda: False) if isinstance(event, TextDelta)]) == 1
    before = answer(talk).text
    with pytest.raises(ConfigError, match="--num-beams 3 needs more memory than was set aside: start with that option"):
        talk.choose(SamplingOptions(num_beams=3), (), 5)
    assert answer(talk).text == before


def test_a_bias_that_is_not_one_token_is_refused_and_changes_nothing() -> None:
    before = answer(opened()).text
    talk = opened()
    with pytest.raises(ConfigError, match="is not one token of builtin"):
        talk.choose(SamplingOptions(temperature=0), (("no such word", 3.0),), 5)
    assert answer(talk).text == before


def test_the_story_names_the_model_the_seed_and_the_format(builtin: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(builtin, tmp_path / "m"))
    (model / "chat_template.jinja").write_text("{{ messages }}")
    config = ChatConfig(seed=3, model=ModelOptions(model=str(model), device="cpu"))
    told = list(open_chat(config))
    assert [event.text for event in told if isinstance(event, Stage)][-1] == f"loading {model}"
    texts = {event.text: event.detail for event in told if isinstance(event, Notice)}
    assert texts["seed 3"]
    assert texts["format plain, in place of the model's own"]
    assert not next(detail for text, detail in texts.items() if "is a program" in text)
