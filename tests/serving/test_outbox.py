"""Which events go out at once, and which wait for others."""

from gptcli.engine.request import Finished, Piece
from gptcli.serving.outbox import PACE_SECONDS, Outbox


def piece(key: int, text: str) -> Piece:
    """Return new text."""
    return Piece(key=key, sample=0, text=text)


def end(key: int) -> Finished:
    """Return the end of a text."""
    return Finished(key=key, sample=0, tokens=(1,), text="", finish_reason="length", logprob=0.0, scores=())


def test_text_that_goes_on_waits_a_moment_and_keeps_its_order() -> None:
    outbox = Outbox()
    assert outbox.due([piece(0, "a")], 1.0) == [piece(0, "a")]
    assert outbox.due([piece(0, "b"), piece(1, "x")], 1.001) == []
    assert outbox.due([piece(0, "c")], 1.002) == []
    sent = outbox.due([piece(1, "y")], 1.001 + PACE_SECONDS)
    assert sent == [piece(0, "b"), piece(1, "x"), piece(0, "c"), piece(1, "y")]


def test_first_words_do_not_wait_and_an_end_takes_its_own_text_along() -> None:
    outbox = Outbox()
    outbox.due([piece(0, "a")], 1.0)
    outbox.expect(1)
    assert outbox.due([piece(0, "b"), piece(1, "x")], 1.001) == [piece(1, "x")]
    assert outbox.due([piece(0, "c"), piece(1, "y")], 1.002) == []
    assert outbox.due([end(1)], 1.003) == [piece(1, "y"), end(1)]
    assert outbox.all() == [piece(0, "b"), piece(0, "c")]
    assert outbox.all() == []


def test_a_request_that_is_forgotten_is_not_expected_any_more() -> None:
    outbox = Outbox()
    outbox.due([], 1.0)
    outbox.expect(1)
    outbox.forget(1)
    assert outbox.due([piece(1, "x")], 1.001) == []


def test_a_request_that_ends_with_the_last_step_is_not_expected_any_more() -> None:
    outbox = Outbox()
    outbox.due([], 1.0)
    outbox.expect(1)
    assert outbox.all([end(1)]) == [end(1)]
    assert outbox.due([piece(1, "x")], 1.001) == []
