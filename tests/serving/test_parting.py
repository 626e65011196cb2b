"""Who is refused before all is sent may read why, and nobody can go on sending for ever."""

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from gptcli.serving.parting import PARTING_BYTES, Parting
from tests.serving.live import slow_server

MUCH = 3_000_000
"""Bytes that no buffer of the system holds."""
CLOSE = b"Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
LONG_HEAD = b"POST /" + b"long" * (MUCH // 4) + b" HTTP/1.1\r\n\r\n"
LONG_BODY = b"POST /v1/completions HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5000000\r\n\r\n" + b"a" * MUCH
OTHER_HOST = LONG_BODY.replace(b"localhost", b"elsewhere").replace(b"5000000", b"4000000")


@pytest.mark.parametrize(
    ("sent", "status"), [(LONG_HEAD, b"400"), (LONG_BODY, b"413"), (OTHER_HOST, b"403")], ids=["head", "body", "host"]
)
def test_who_sends_on_gets_the_answer_all_the_same(tiny: Path, sent: bytes, status: bytes) -> None:
    with slow_server(tiny) as (server, _), socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(sent)
        received = b""
        while data := connection.recv(1000):
            received += data
    assert received.startswith(b"HTTP/1.1 " + status)


def test_who_never_ends_is_closed(tiny: Path) -> None:
    with (
        slow_server(tiny) as (server, _),
        socket.create_connection(("127.0.0.1", server.port), 60) as connection,
        pytest.raises(OSError, match=r"reset|[Pp]ipe"),
    ):
        connection.sendall(b"x" * (PARTING_BYTES + 10 * MUCH))


def test_a_client_that_is_gone_already_is_no_error() -> None:
    class Gone(asyncio.Transport):
        def write_eof(self) -> None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

        def is_closing(self) -> bool:
            return False

        def resume_reading(self) -> None:
            pass

    async def part() -> bool:
        parting = Parting(Gone(), lambda: True)
        parting.close()
        parting.ended()
        return parting.has_begun

    assert asyncio.run(part())
