"""Reading ahead ends what it reads from, so that nothing stays open behind it."""

import threading
from collections.abc import Iterator

from gptcli.engine.read_ahead import ReadAhead

PATIENCE_SECONDS = 30


def test_what_is_half_read_is_closed_once_nobody_takes_it() -> None:
    """A connection stayed open until it was collected: "unclosed <socket.socket [closed] fd=47, family=1 ...>"."""
    closed = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with ReadAhead(items := numbers(), 1) as read:
        assert read.take(wait=True) == (0,)
    assert closed.wait(PATIENCE_SECONDS)
    assert next(items, None) is None
