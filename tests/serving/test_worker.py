"""The thread that owns an engine: joining, leaving, a full queue, and an engine that fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from gptcli.engine.engine import Engine
from gptcli.engine.request import Finished, Piece
from gptcli.errors import DeviceError
from gptcli.serving.answer import Answer
from gptcli.serving.errors import ApiError
from gptcli.serving.worker import EngineWorker
from tests.engine.fake import FakeBackend, expected, request
from tests.serving.live import ENDLESS, SlowBackend

Result = TypeVar("Result")


def worker_of(backend: FakeBackend, queue: int = 8) -> EngineWorker:
    """Return a worker whose engine writes token 3 as "3,"."""
    return EngineWorker(Engine(backend, lambda token: b"%d," % token, ()), "fake", queue=queue)


def run(worker: EngineWorker, work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine, and end the worker behind it."""
    try:
        return asyncio.run(work)
    finally:
        worker.close()


async def tokens_of(answer: Answer) -> list[tuple[int, ...]]:
    """Return the tokens of all samples."""
    with answer:
        return [finished.tokens for finished in await answer.finished()]


def test_requests_of_many_get_each_their_own_whatever_keys_they_brought() -> None:
    worker = worker_of(FakeBackend(slots=3))

    async def work() -> list[list[tuple[int, ...]]]:
        answers = [worker.submit([request(0, (n, 1), limit=5), request(1, (n, 2), limit=3)]) for n in range(4)]
        return await asyncio.gather(*map(tokens_of, answers))

    found = run(worker, work())
    assert found == [[expected((n, 1), 5), expected((n, 2), 3)] for n in range(4)]


def test_samples_come_in_their_order_behind_those_of_the_request_before() -> None:
    worker = worker_of(FakeBackend(slots=2))

    async def work() -> list[tuple[int, int]]:
        with worker.submit([request(5, samples=3, limit=4), request(5, (2, 2), samples=2, limit=1)]) as answer:
            return [(one.key - answer.first_key, one.sample) for one in await answer.finished()]

    assert run(worker, work()) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def test_a_full_queue_is_told_with_a_time_to_come_again_and_takes_what_fits() -> None:
    worker = worker_of(SlowBackend(slots=2), queue=3)

    async def work() -> ApiError:
        with worker.submit([request(0, samples=4, limit=ENDLESS)]):
            with pytest.raises(ApiError, match="4 texts to write, and no more may wait: try again later") as caught:
                worker.submit([request(0), request(1)])
            with worker.submit([request(0)]):
                assert (worker.load.running + worker.load.waiting, worker.load.slots) == (5, 2)
        await tokens_of(worker.submit([request(0, limit=2, samples=5)]))
        return caught.value

    error = run(worker, work())
    assert (error.status, error.code, error.headers) == (429, "queue_full", {"Retry-After": "1"})
    assert (worker.load.running, worker.load.waiting) == (0, 0)


def test_who_leaves_frees_its_slot_at_once() -> None:
    worker = worker_of(SlowBackend(slots=1), queue=1)

    async def work() -> list[tuple[int, ...]]:
        with worker.submit([request(0, limit=ENDLESS)]) as answer:
            waiting = worker.submit([request(0, limit=2)])
            asyncio.get_running_loop().call_later(0.05, answer.fail, ApiError(500, "enough"))
            with pytest.raises(ApiError, match="enough"):
                await answer.events()
        return await tokens_of(waiting)

    assert len(run(worker, work())[0]) == 2


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (DeviceError("out of memory: lower --batch-size"), 503, "no room for this now: out of memory"),
        (ZeroDivisionError("secret"), 500, "the server has failed, and its log says how"),
    ],
    ids=["known", "unforeseen"],
)
def test_an_engine_that_fails_fails_its_requests_and_goes_on(
    fault: Exception, status: int, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend = SlowBackend(slots=2, fails=fault)
    worker = worker_of(backend)

    async def work() -> list[Any]:
        answers = [worker.submit([request(0, samples=2, limit=5)]), worker.submit([request(0, limit=5)])]
        failed = await asyncio.gather(*map(tokens_of, answers), return_exceptions=True)
        return [*failed, await tokens_of(worker.submit([request(0, samples=3, limit=5)]))]

    first, second, after = run(worker, work())
    for error in (first, second):
        assert isinstance(error, ApiError)
        assert error.status == status
        assert message in str(error)
        assert "secret" not in str(error)
    assert [len(tokens) for tokens in after] == [5, 5, 5]
    assert str(fault) in caplog.text


def test_a_stream_gives_its_text_as_it_grows() -> None:
    worker = worker_of(FakeBackend(slots=1))
    streamed = request(0, limit=4)

    async def work() -> tuple[list[str], list[str]]:
        from dataclasses import replace

        pieces, ends = [], []
        with worker.submit([replace(streamed, stream=True)]) as answer:
            while events := await answer.events():
                pieces += [event.text for event in events if isinstance(event, Piece)]
                ends += [event.text for event in events if isinstance(event, Finished)]
        return pieces, ends

    pieces, ends = run(worker, work())
    first, *others = [f"{token}," for token in expected(streamed.prompt, 4)]
    assert pieces[0] == first
    assert ends == ["".join(pieces)] == ["".join((first, *others))]
