"""A thread that owns something which only one caller at a time may use, and does one piece of work after another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from gptcli.data.words import counted
from gptcli.serving.errors import ApiError

Owned = TypeVar("Owned")
Result = TypeVar("Result")

RETRY_AFTER_SECONDS = 1


class Lane(Generic[Owned]):
    """Owns what opens at the first use; every call on it runs in the one thread, in the order of its coming."""

    def __init__(self, name: str, open_owned: Callable[[], Owned], *, queue: int) -> None:
        """Let `queue` calls wait behind the one that runs."""
        self._open = open_owned
        self._owned: Owned | None = None
        self._most = queue + 1
        self._calls = 0
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    @property
    def calls(self) -> int:
        """Return how many calls run or wait; one that runs on for a client that has left is among them."""
        return self._calls

    async def run(self, work: Callable[[Owned], Result]) -> Result:
        """Return what work makes of the owned thing, in its thread; raises ApiError when too many wait.

        A call whose task is cancelled is not begun, or its result is dropped.
        """
        if self._calls >= self._most:
            raise ApiError(
                429,
                f"{counted(self._calls, 'request')} of this kind came before, and no more may wait: try again later",
                code="queue_full",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._calls += 1
        try:
            # Calls wait here and not in the executor, which would keep the bodies of those that have left.
            await self._turn.acquire()
        except asyncio.CancelledError:
            self._calls -= 1
            raise
        loop = asyncio.get_running_loop()

        def ended(future: Future[Result]) -> None:
            with suppress(RuntimeError):  # the server that the loop belonged to has ended
                loop.call_soon_threadsafe(self._ended)

        future = self._thread.submit(self._do, work)
        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits, and let the thread end behind what runs."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _ended(self) -> None:
        """Take note that the thread is free: not before, whoever has left."""
        self._calls -= 1
        self._turn.release()

    def _do(self, work: Callable[[Owned], Result]) -> Result:
        """Open at the first use, and work."""
        if self._owned is None:
            self._owned = self._open()
        return work(self._owned)
