"""Rows come out in input order, as soon as they are ready, and only a bounded number is ever on its way."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.engine.request import Finished, Piece, Request
from gptcli.engine.stream import WINDOW_BATCHES, in_order
from tests.engine.fake import FakeBackend, engine_of, expected, request

PATIENCE_SECONDS = 30
"""Longer than any correct run takes: a test that would hang fails."""


def streamed(key: int, limit: int = 3) -> Request:
    """Return a request whose text is wanted in pieces."""
    return replace(request(key, limit=limit), stream=True)


def keys(items: list[Finished | Piece | str]) -> list[int | str]:
    """Return the key of each result, and other items as they are."""
    return [item if isinstance(item, str) else item.key for item in items]


@settings(deadline=None)
@given(kinds=st.lists(st.integers(-3, 9), max_size=30), slots=st.integers(1, 4))
def test_results_and_other_items_keep_the_order_of_the_input(kinds: list[int], slots: int) -> None:
    """A kind above 0 is a request of so many tokens, others stand for rows that failed."""
    items: list[Request | str] = [
        request(key, limit=kind) if kind > 0 else f"failed {key}" for key, kind in enumerate(kinds)
    ]
    results = list(in_order(engine_of(FakeBackend(slots=slots)), items))
    assert keys(results) == [item if isinstance(item, str) else item.key for item in items]


def test_samples_come_out_together_in_their_order() -> None:
    results = list(in_order(engine_of(FakeBackend(slots=2)), [request(0, samples=5), request(1, samples=2)]))
    assert [(result.key, result.sample) for result in results if isinstance(result, Finished)] == [
        *((0, sample) for sample in range(5)),
        (1, 0),
        (1, 1),
    ]


def test_a_sample_is_given_back_before_the_rest_of_its_row_is_drawn() -> None:
    backend = FakeBackend(slots=2)
    results = in_order(engine_of(backend), [request(0, samples=100_000)])
    assert [result.sample for result in islice(results, 5) if isinstance(result, Finished)] == [0, 1, 2, 3, 4]
    assert len(backend.prefills) == 3
    results.close()


def test_a_row_that_is_ready_is_given_back_before_the_next_line_is_read() -> None:
    go_on = threading.Event()

    def slow_producer() -> Iterator[Request]:
        yield request(0)
        assert go_on.wait(PATIENCE_SECONDS), "the first result never came"
        yield request(1)

    results = in_order(engine_of(FakeBackend(slots=4)), slow_producer())
    assert next(results).key == 0
    go_on.set()
    assert [result.key for result in results] == [1]


def test_text_is_streamed_while_the_producer_is_still_busy() -> None:
    go_on = threading.Event()

    def slow_producer() -> Iterator[Request]:
        yield streamed(0)
        assert go_on.wait(PATIENCE_SECONDS), "the first piece never came"

    results = in_order(engine_of(FakeBackend(slots=1)), slow_producer())
    pieces = [next(results)]
    go_on.set()
    *more, finished = results
    pieces += more
    assert isinstance(finished, Finished)
    assert "".join(piece.text for piece in pieces if isinstance(piece, Piece)) == finished.text


def test_an_endless_input_is_read_only_so_far_ahead() -> None:
    taken = 0

    def endless() -> Iterator[Request]:
        nonlocal taken
        for key in count():
            taken += 1
            yield request(key)

    results = in_order(engine_of(FakeBackend(slots=2)), endless())
    for done, result in enumerate(islice(results, 200), 1):
        assert result.key == done - 1
        # A window of rows at work, another that waits for them, and the one in the reader's hand.
        assert taken <= done + 2 * (WINDOW_BATCHES * 2) + 1
    results.close()


def test_a_long_row_at_the_front_does_not_let_the_rows_behind_it_pile_up() -> None:
    backend = FakeBackend(slots=2)
    endless = (request(key, limit=1 if key else 500) for key in count())
    first = next(results := in_order(engine_of(backend), endless))
    assert first.key == 0
    assert sum(map(len, backend.prefills)) <= WINDOW_BATCHES * 2
    results.close()


def test_an_error_of_the_input_comes_after_the_results_of_all_rows_before_it() -> None:
    def breaking() -> Iterator[Request | str]:
        yield request(0, limit=9)
        yield "failed 1"
        yield request(2, limit=2)
        raise OSError("the disk is gone")

    results = in_order(engine_of(FakeBackend(slots=4)), breaking())
    assert keys(list(islice(results, 3))) == [0, "failed 1", 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)


def test_closing_early_ends_the_reader_and_leaves_the_engine_free() -> None:
    engine = engine_of(FakeBackend(slots=3))
    before = set(threading.enumerate())
    results = in_order(engine, (request(key, limit=5) for key in count()))
    next(results)
    (thread,) = set(threading.enumerate()) - before
    results.close()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert not engine.has_work
    again = list(in_order(engine, [request(7, limit=4)]))
    assert [result.tokens for result in again if isinstance(result, Finished)] == [expected((1, 2), 4)]


def test_an_error_of_the_consumer_ends_the_reader_too() -> None:
    class BrokenBackend(FakeBackend):
        def decode(self, *_: object) -> None:  # type: ignore[override]
            raise MemoryError

    engine = engine_of(BrokenBackend(slots=1))
    results = in_order(engine, (request(key) for key in count()))
    with pytest.raises(MemoryError):
        next(results)
    assert not engine.has_work


def test_no_items_give_no_results() -> None:
    assert list(in_order(engine_of(FakeBackend(slots=1)), [])) == []
