"""Have the texts of one request written, and give them back whole or as a stream."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from gptcli.engine.request import Finished, Piece, Request
from gptcli.serving.encoding import encoded
from gptcli.serving.observation import Observation
from gptcli.serving.sse import DONE
from gptcli.serving.worker import EngineWorker

EVENTS_AT_ONCE = 256
"""Events in one chunk: what a client that reads slowly has not taken waits as events, which are smaller than JSON."""


class Shape(Protocol):
    """How what was written looks to a client."""

    @property
    def lists_tokens(self) -> bool:
        """Return whether it tells of tokens one by one, which takes long: nothing else can be told meanwhile."""
        ...

    def whole(self, finished: Sequence[Finished]) -> dict[str, Any]:
        """Return the answer, of all samples of all prompts in their order."""
        ...

    def begin(self) -> Iterator[bytes]:
        """Yield what comes before the first text."""
        ...

    def piece(self, number: int, piece: Piece) -> bytes:
        """Return new text of the request's prompt of this number."""
        ...

    def finished(self, number: int, finished: Finished) -> bytes:
        """Return the end of a sample."""
        ...

    def end(self, new_tokens: int) -> Iterator[bytes]:
        """Yield what comes behind all texts."""
        ...


async def whole(worker: EngineWorker, requests: Sequence[Request], shape: Shape, observation: Observation) -> bytes:
    """Return the answer as JSON when all is written, at once where nothing is to be.

    Raises ApiError where the queue is full or the engine fails.
    """
    finished: Sequence[Finished] = ()
    if requests:
        with worker.submit(requests) as answer:
            finished = await answer.finished()
    observation.new_tokens = sum(len(one.tokens) for one in finished)
    return await _apart(shape, lambda: encoded(shape.whole(finished)))


async def streamed(
    worker: EngineWorker, requests: Sequence[Request], shape: Shape, observation: Observation
) -> AsyncGenerator[bytes]:
    """Yield the answer as it is written, a chunk for all that has come since the last one was taken.

    Closing it drops what is unfinished. Raises ApiError where the queue is full or the engine fails.
    """
    with worker.submit(requests) as answer:
        events = await answer.events()
        observation.first_text()
        begin = await _apart(shape, lambda: b"".join(shape.begin()))
        while events:
            for start in range(0, len(events), EVENTS_AT_ONCE):
                some = merged(events[start : start + EVENTS_AT_ONCE])
                observation.new_tokens += sum(len(one.tokens) for one in some if isinstance(one, Finished))
                yield begin + b"".join(_written(shape, answer.first_key, one) for one in some)
                begin = b""
            events = await answer.events()
    yield b"".join((*shape.end(observation.new_tokens), DONE))


def merged(events: Sequence[Finished | Piece]) -> list[Finished | Piece]:
    """Return events with the pieces of each sample in one, and all ends behind them."""
    pieces: dict[tuple[int, int], list[Piece]] = {}
    ends: list[Finished] = []
    for event in events:
        if isinstance(event, Piece):
            pieces.setdefault((event.key, event.sample), []).append(event)
        else:
            ends.append(event)
    return [*map(_joined, pieces.values()), *ends]


def _joined(pieces: Sequence[Piece]) -> Piece:
    """Return pieces of one sample as one."""
    if len(pieces) == 1:
        return pieces[0]
    text = "".join(piece.text for piece in pieces)
    return replace(pieces[0], text=text, scores=tuple(score for piece in pieces for score in piece.scores))


def _written(shape: Shape, first_key: int, event: Finished | Piece) -> bytes:
    """Return an event as bytes."""
    number = event.key - first_key
    return shape.piece(number, event) if isinstance(event, Piece) else shape.finished(number, event)


async def _apart(shape: Shape, write: Callable[[], bytes]) -> bytes:
    """Return what is written of a shape, in a thread where that takes long."""
    return await asyncio.to_thread(write) if shape.lists_tokens else write()
