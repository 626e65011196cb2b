"""A thread that owns something which only one caller at a time may use, and does one piece of work after another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    @property
    def calls(self) -> int:
        """Return how many calls run or wait."""
        return self._calls

    async def run(self, work: Callable[[Owned], Result]) -> Result:
        """Return what work makes of the owned thing, in its thread; raises ApiError when too many wait.

        A call whose task is cancelled is not begun, or its result is dropped.
        """
        if self._calls >= self._most:
            raise ApiError(
                429,
                f"{self._calls} requests of this kind wait already; try again later",
                code="queue_full",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)
        finally:
            self._calls -= 1

    def close(self) -> None:
        """Drop what waits, and let the thread end behind what runs."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[[Owned], Result]) -> Result:
        """Open at the first use, and work."""
        if self._owned is None:
            self._owned = self._open()
        return work(self._owned)
