"""The thread that owns an inspector: how many may wait, and what becomes of those that leave."""

import asyncio
import gc
import threading
import weakref

import pytest

from gptcli.serving.errors import ApiError
from gptcli.serving.lane import Lane


class Work:
    """Waits in the lane's thread until it may end."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, owned: str) -> str:
        """Return what is owned."""
        self.has_begun.set()
        assert self.may_end.wait(30)
        return owned


def test_work_that_runs_on_for_who_has_left_still_takes_the_thread() -> None:
    lane, work = Lane("lane", lambda: "owned", queue=0), Work()

    async def ask() -> str:
        running = asyncio.create_task(lane.run(work))
        await asyncio.to_thread(work.has_begun.wait, 30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(ApiError, match="1 request of this kind came before, and no more may wait"):
            await lane.run(work)
        work.may_end.set()
        while lane.calls:
            await asyncio.sleep(0)
        return await lane.run(work)

    try:
        assert asyncio.run(ask()) == "owned"
    finally:
        lane.close()


def test_work_of_who_leaves_while_it_waits_is_not_begun_and_not_kept() -> None:
    lane, work = Lane("lane", lambda: "owned", queue=1), Work()

    async def leave() -> tuple[threading.Event, weakref.ref[Work]]:
        left = Work()
        waiting = asyncio.create_task(lane.run(left))
        await asyncio.to_thread(work.has_begun.wait, 30)
        waiting.cancel()
        await asyncio.wait([waiting])
        return left.has_begun, weakref.ref(left)

    async def ask() -> None:
        running = asyncio.create_task(lane.run(work))
        has_begun, left = await leave()
        gc.collect()
        assert (lane.calls, left()) == (1, None)
        work.may_end.set()
        assert await running == "owned"
        assert not has_begun.is_set()

    try:
        asyncio.run(ask())
    finally:
        lane.close()
