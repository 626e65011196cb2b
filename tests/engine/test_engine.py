"""Continuous batching over a fake backend: slots are refilled at once, and never mixed up."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.engine import PREFILL_TOKENS, REFILL_STEPS, Engine
from gptcli.engine.options import SamplingOptions
from gptcli.engine.request import Finished, Piece
from tests.engine.fake import DRAWN, GREEDY, FakeBackend, engine_of, expected, request

ROWS = st.lists(st.tuples(st.lists(st.integers(0, 10), min_size=1, max_size=9), st.integers(1, 9)), max_size=20)


def run(engine: Engine) -> list[Finished]:
    """Step until nothing is left; return what finished, in that order."""
    events: list[Finished | Piece] = []
    while engine.has_work:
        events += engine.step()
    return [event for event in events if isinstance(event, Finished)]


@settings(deadline=None)
@given(rows=ROWS, slots=st.integers(1, 6), samples=st.integers(1, 8))
def test_prompts_of_any_lengths_come_back_with_their_own_continuations(
    rows: list[tuple[list[int], int]], slots: int, samples: int
) -> None:
    engine = engine_of(FakeBackend(slots=slots))
    for key, (prompt, limit) in enumerate(rows):
        engine.submit(request(key, prompt, limit=limit, samples=samples))
    finished = {(sample.key, sample.sample): sample for sample in run(engine)}
    assert sorted(finished) == [(key, sample) for key in range(len(rows)) for sample in range(samples)]
    for (key, _), sample in finished.items():
        assert sample.tokens == expected(*rows[key])
        assert sample.text == "".join(f"{token}," for token in sample.tokens)
        assert sample.finish_reason == "length"


@settings(deadline=None)
@given(data=st.data(), slots=st.integers(1, 6))
def test_requests_may_come_and_go_between_any_two_steps(data: st.DataObject, slots: int) -> None:
    engine = engine_of(FakeBackend(slots=slots))
    rows = data.draw(ROWS)
    open_keys: set[int] = set()
    dropped: set[int] = set()
    finished: dict[int, Finished] = {}
    for key, (prompt, limit) in enumerate(rows):
        engine.submit(request(key, prompt, limit=limit))
        open_keys.add(key)
        if data.draw(st.booleans()):
            victim = data.draw(st.sampled_from(sorted(open_keys)))
            engine.cancel(victim)
            open_keys.discard(victim)
            dropped.add(victim)
        for event in engine.step() if data.draw(st.booleans()) else ():
            assert isinstance(event, Finished)
            finished[event.key] = event
            open_keys.discard(event.key)
    finished |= {event.key: event for event in run(engine)}
    assert finished.keys() == set(range(len(rows))) - dropped
    assert all(finished[key].tokens == expected(*rows[key]) for key in finished)


def test_a_slot_is_refilled_in_the_step_after_its_row_has_finished() -> None:
    backend = FakeBackend(slots=2)
    engine = engine_of(backend)
    for key, limit in enumerate([2, 6, 4]):
        engine.submit(request(key, limit=limit))
    finished = run(engine)
    assert [sample.key for sample in finished] == [0, 2, 1]
    assert backend.decodes == [2, 2, 2, 2, 1]  # the second slot never waits for the end of the longest row
    assert len(backend.prefills) == 2


def test_a_large_batch_waits_until_an_eighth_of_it_is_free() -> None:
    backend = FakeBackend(slots=16)
    engine = engine_of(backend)
    for key in range(18):
        engine.submit(request(key, limit=3 + key))
    run(engine)
    assert [len(lengths) for lengths in backend.prefills] == [16, 2]


def test_a_prompt_does_not_wait_long_for_others_to_be_read_with_it() -> None:
    backend = FakeBackend(slots=32)
    engine = engine_of(backend)
    for key in range(31):
        engine.submit(request(key, limit=100))
    engine.step()
    engine.submit(request(31, limit=1))
    steps = next(steps for steps in range(1, 100) if any(event.key == 31 for event in engine.step()))
    assert steps == REFILL_STEPS + 1


def test_many_samples_take_the_slots_there_are_and_do_not_wait_for_all_of_them() -> None:
    backend = FakeBackend(slots=4)
    engine = engine_of(backend)
    for key in range(3):
        engine.submit(request(key, limit=100))
    engine.step()
    engine.submit(request(9, (3, 4), limit=5, samples=4))
    engine.submit(request(10, limit=5))
    finished = run(engine)
    assert [event.key for event in finished] == [9, 9, 9, 9, 10, 0, 1, 2]
    assert [event.sample for event in finished[:4]] == [0, 1, 2, 3]
    assert all(event.tokens == expected((3, 4), 5) for event in finished[:4])


def test_samples_of_one_prompt_are_read_once_however_many_there_are() -> None:
    backend = FakeBackend(slots=8)
    engine = engine_of(backend)
    engine.submit(request(0, limit=2, samples=5))
    assert len(run(engine)) == 5
    assert backend.prefills == [[2]]


def test_more_samples_than_slots_take_turns() -> None:
    backend = FakeBackend(slots=3)
    engine = engine_of(backend)
    engine.submit(request(0, limit=2, samples=7))
    assert sorted(sample.sample for sample in run(engine)) == list(range(7))
    assert backend.prefills == [[2], [2], [2]]
    assert max(backend.decodes) == 3


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(1, 1500), min_size=1, max_size=24))
def test_a_prefill_stays_within_its_budget_of_padded_tokens(lengths: list[int]) -> None:
    backend = FakeBackend(slots=32)
    engine = engine_of(backend)
    for key, length in enumerate(lengths):
        engine.submit(request(key, [key % 11] * length, limit=1))
    assert len(run(engine)) == len(lengths)
    assert sorted(length for batch in backend.prefills for length in batch) == sorted(lengths)
    for batch in backend.prefills:
        assert len(batch) == 1 or max(batch) * len(batch) <= PREFILL_TOKENS


def test_the_oldest_prompt_is_always_read_first() -> None:
    backend = FakeBackend(slots=2)
    engine = engine_of(backend)
    for key, length in enumerate([1000, 5, 5, 5, 5, 5]):
        engine.submit(request(key, [1] * length, limit=2))
    assert run(engine)[0].key == 0
    assert backend.prefills[0][0] == 1000


@pytest.mark.parametrize("num_beams", [1, 3])
def test_cancel_frees_the_slots_and_nothing_more_is_heard_of_the_request(num_beams: int) -> None:
    backend = FakeBackend(slots=3)
    engine = engine_of(backend)
    options = SamplingOptions(temperature=0, num_beams=num_beams)
    engine.submit(request(0, limit=50, samples=3, sampler=replace(GREEDY, options=options)))
    engine.submit(request(1, limit=4))
    engine.step()
    engine.cancel(0)
    finished = run(engine)
    assert [(sample.key, sample.tokens) for sample in finished] == [(1, expected((1, 2), 4))]
    assert backend.decodes[-1] == 1


def test_cancel_of_a_request_that_waits_or_is_unknown_disturbs_nothing() -> None:
    engine = engine_of(FakeBackend(slots=1))
    for key in range(3):
        engine.submit(request(key))
    engine.step()
    engine.cancel(1)
    engine.cancel(77)
    assert [sample.key for sample in run(engine)] == [0, 2]


def test_an_end_of_text_token_ends_a_row_and_counts_as_a_token_without_text() -> None:
    backend = FakeBackend(slots=1)
    end = expected((1, 2), 3)[-1]
    engine = engine_of(backend, eos_token_ids=[end])
    engine.submit(request(0, limit=9))
    (sample,) = run(engine)
    tokens = expected((1, 2), 9)
    first = tokens.index(end)
    assert (sample.finish_reason, sample.tokens) == ("eos", tokens[: first + 1])
    assert sample.text == "".join(f"{token}," for token in tokens[:first])


def test_a_log_probability_is_the_sum_over_the_tokens_of_the_models_own() -> None:
    engine = engine_of(FakeBackend(slots=1, uniform=True))
    engine.submit(request(0, limit=4, sampler=DRAWN))
    assert run(engine)[0].logprob == pytest.approx(-4 * 2.3978953)  # ln 11


def test_samples_of_a_flat_prediction_differ_in_their_first_token() -> None:
    engine = engine_of(FakeBackend(slots=8, uniform=True))
    engine.submit(request(0, limit=1, samples=40, sampler=DRAWN))
    # All 40 alike would happen once in 11 ** 39 seeds.
    assert len({sample.tokens for sample in run(engine)}) > 1


def test_a_backend_with_fewer_tokens_than_top_k_is_asked_for_no_more_than_it_has() -> None:
    engine = engine_of(FakeBackend(slots=1))
    options = SamplingOptions(top_k=50, logprobs=40)
    engine.submit(request(0, sampler=replace(GREEDY, options=options)))
    (sample,) = run(engine)
    assert [len(score.top) for score in sample.scores] == [11, 11, 11]


def test_a_stream_that_has_begun_may_wait_for_the_next_handing_out() -> None:
    engine = engine_of(FakeBackend(slots=1))
    engine.submit(replace(request(0, limit=6), stream=True))
    told = [engine.step(hand_out=hand_out) for hand_out in (False, False, True, False, False)]
    tokens = [f"{token}," for token in expected((1, 2), 6)]
    pieces = ["".join(event.text for event in events if isinstance(event, Piece)) for events in told]
    # A step reads the prompt and goes on at once: two tokens, and the first is the beginning that never waits.
    assert pieces == [tokens[0], "", "".join(tokens[1:4]), "", "".join(tokens[4:])]
    assert [event.text for event in told[-1] if isinstance(event, Finished)] == ["".join(tokens)]


def test_what_a_stream_still_waits_for_is_given_back_when_all_is_dropped() -> None:
    engine = engine_of(FakeBackend(slots=2))
    for key, streams in enumerate((True, False)):
        engine.submit(replace(request(key, limit=6), stream=streams))
    for _ in range(3):
        engine.step(hand_out=False)
    tokens = [f"{token}," for token in expected((1, 2), 6)]
    assert [(piece.key, piece.text) for piece in engine.clear()] == [(0, "".join(tokens[1:4]))]
    assert (engine.has_work, engine.clear()) == (False, [])
