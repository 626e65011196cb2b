"""A thread that owns an engine: requests join its batch as they come, and what it writes goes to the event loop.

The engine is touched by that thread alone. Commands reach it through a queue, between two steps; the events of a step
reach the loop in one call. Everything else here belongs to the loop.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TypeVarTuple

from gptcli.data.words import counted
from gptcli.engine.engine import Engine
from gptcli.engine.request import Finished, Piece, Request
from gptcli.serving.answer import Answer
from gptcli.serving.errors import ApiError, api_error, tell
from gptcli.serving.pace import Pace

RETRY_AFTER_SECONDS = 1
"""A slot comes free with every text that is finished: seconds at most, but of how many nobody knows."""
Arguments = TypeVarTuple("Arguments")

CLOSING_SECONDS = 10
"""How long the end of a step is waited for: many times the longest prefill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much an engine has to do."""

    running: int
    """Sequences in its batch."""
    waiting: int
    """Sequences that have no slot yet."""
    slots: int
    new_tokens: int
    """Tokens chosen since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submit:
    """Requests that join."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cancel:
    """Requests that nobody waits for any more."""

    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """The end of the thread."""


_Command = _Submit | _Cancel | _Stop


class EngineWorker:
    """Takes requests from the event loop of one server and gives their answers back."""

    def __init__(self, engine: Engine, name: str, *, queue: int) -> None:
        """Run one engine; let `queue` sequences wait while all slots are taken."""
        self._engine = engine
        self.slots = engine.backend.slots
        self.most_sequences = self.slots + queue
        """The sequences that are taken on together, so that no request may have more."""
        self._sequences = 0
        self._next_key = 0
        self._answers: dict[int, Answer] = {}
        self._tell: Callable[..., object] = _tell_nobody
        self._commands: SimpleQueue[_Command] = SimpleQueue()
        self._pace = Pace()
        # A daemon, so that nothing that the engine does can keep a process alive whose server has ended.
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"gptcli-engine-{name}")
        self._thread.start()

    @property
    def load(self) -> Load:
        """Return how much there is to do now."""
        running = min(self._engine.running, self._sequences)
        return Load(
            running=running,
            waiting=self._sequences - running,
            slots=self.slots,
            new_tokens=self._engine.new_tokens,
        )

    def submit(self, requests: Sequence[Request]) -> Answer:
        """Take on requests together, each with a key of its own in place of the caller's; return what comes of them.

        Raises ApiError 429 when that would be more sequences than may wait. Only from a coroutine.
        """
        sequences = sum(request.samples for request in requests)
        if self._sequences + sequences > self.most_sequences:
            raise self._full()
        self._tell = asyncio.get_running_loop().call_soon_threadsafe
        first = self._next_key
        self._next_key += len(requests)
        keyed = tuple(replace(request, key=key) for key, request in enumerate(requests, first))
        answer = Answer(keyed, self._release)
        self._answers |= {request.key: answer for request in keyed}
        self._sequences += sequences
        self._commands.put(_Submit(requests=keyed))
        return answer

    def give_up(self, error: ApiError) -> None:
        """Fail all that is unfinished."""
        for answer in self._answers.values():
            answer.fail(error)

    def close(self) -> None:
        """End the thread behind the step that runs; what is unfinished is never answered."""
        self._commands.put(_Stop())
        self._thread.join(CLOSING_SECONDS)

    def _full(self) -> ApiError:
        """Return the error of a queue that is full."""
        return ApiError(
            429,
            f"the server has {counted(self._sequences, 'text')} to write, and no more may wait: try again later",
            code="queue_full",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )

    def _release(self, keys: tuple[int, ...], sequences: int) -> None:
        """Forget requests whose answer is closed, and the sequences of them that are unfinished."""
        self._sequences -= sequences
        for key in keys:
            del self._answers[key]
        if sequences:
            self._commands.put(_Cancel(keys=keys))

    def _deliver(self, events: Sequence[Finished | Piece]) -> None:
        """Give each event of a step to its answer; nobody may be left who wants it."""
        for event in events:
            answer = self._answers.get(event.key)
            if answer is None:
                continue
            if isinstance(event, Finished):
                self._sequences -= 1
            answer.put(event)

    def _deliver_failure(self, keys: Sequence[int], error: Exception) -> None:
        """Fail the answers to requests that the engine has dropped."""
        tell(error)
        for key in keys:
            if key in self._answers:
                self._answers[key].fail(api_error(error))

    # What follows runs in the thread.

    def _run(self) -> None:
        """Step while there is work, and sleep otherwise; what goes wrong fails the requests there are, no later one."""
        samples_left: dict[int, int] = {}
        while True:
            try:
                if not self._round(samples_left):
                    return
            except Exception as error:  # a thread's top, as main is a command's
                self._call(self._deliver, self._engine.clear())
                keys = tuple(samples_left)
                samples_left.clear()
                self._call(self._deliver_failure, keys, error)

    def _round(self, samples_left: dict[int, int]) -> bool:
        """Obey the commands that have come, then do one step; return whether to go on."""
        for command in self._taken(wait=not self._engine.has_work):
            match command:
                case _Submit(requests=requests):
                    for request in requests:
                        samples_left[request.key] = request.samples
                        self._engine.submit(request)
                case _Cancel(keys=keys):
                    for key in keys:
                        if samples_left.pop(key, 0):
                            self._engine.cancel(key)
                case _Stop():
                    return False
        if not self._engine.has_work:
            return True
        events = self._engine.step(hand_out=self._pace.is_due(time.monotonic()))
        for event in events:
            if isinstance(event, Finished):
                samples_left[event.key] -= 1
                if not samples_left[event.key]:
                    del samples_left[event.key]
        if events:
            self._call(self._deliver, events)
        return True

    def _taken(self, *, wait: bool) -> Iterator[_Command]:
        """Yield the commands that have come, after waiting for the first one."""
        with suppress(Empty):
            if wait:
                yield self._commands.get()
            while True:
                yield self._commands.get_nowait()

    def _call(self, function: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
        """Have the loop call a function, unless the server that it belonged to has ended."""
        with suppress(RuntimeError):
            self._tell(function, *arguments)


def _tell_nobody(function: Callable[..., None], *arguments: object) -> None:
    """Stand for a loop before the first request, when there is nothing to tell."""
