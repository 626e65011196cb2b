"""Clients of every kind, well-behaved and not, that ask one server at the same time and say what came of it."""

import asyncio
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PATH = "/v1/completions"
PROMPTS = ("Once upon a time", "", "The dog\n", "Lily \N{GRINNING FACE} and \N{HEBREW LETTER ALEF}")
KINDS = {"whole": 6, "stream": 6, "slow": 3, "leave": 3, "leave a stream": 3, "malformed": 3}
"""What a client does next, and how often beside the others."""
BODIES = 24
"""Different good ones, so that each is asked many times, alone and beside all others."""
LONGEST = 480
"""Tokens that somebody asks for who leaves before they are written."""
SMALL_BUFFER = 4096
"""Bytes that the system keeps for a slow reader, so that the server has to wait for it."""
MALFORMED = (
    b"\0\1\2\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"POST " + b"/long" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
)
"""Heads that are no HTTP, or not ours to answer."""
BAD_BODIES = (
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    b"[" * 50_000,
    b'{"prompt": 3}',
    b'{"prompt": "a", "n": 1000}',
    b'{"prompt": "a", "max_tokens": 1e999}',
    b'{"prompt": "a", "model": "gpt-5"}',
    b'{"prompt": "' + b"a " * 100_000 + b'"}',
)


@dataclass(slots=True)
class Outcome:
    """What came of all requests."""

    counts: Counter[str] = field(default_factory=Counter)
    """Of kinds of requests, by what became of them."""
    answers: dict[int, set[tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    """The texts and reasons to end that were given whole, by the number of the body."""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A good request, as generate can write it too."""

    number: int
    prompts: tuple[str, ...]
    seed: int
    samples: int
    options: Mapping[str, Any]

    def body(self, **fields: Any) -> dict[str, Any]:
        """Return the body of a request."""
        return {"prompt": self.prompts, "seed": self.seed, "n": self.samples, **self.options, **fields}


def orders() -> list[Order]:
    """Return the good requests: other prompts, samples, lengths and options in each."""
    draw = random.Random(0)
    options: tuple[dict[str, Any], ...] = (
        {},
        {"temperature": 0},
        {"top_k": 0, "top_p": 0.9},
        {"repetition_penalty": 1.3},
        {"stop": [".", " and"]},
    )
    return [
        Order(
            number=number,
            prompts=tuple(draw.sample(PROMPTS, k=draw.choice((1, 1, 2)))),
            seed=number,
            samples=draw.choice((1, 1, 2, 3)),
            options={"max_tokens": draw.randint(4, 60), **draw.choice(options)},
        )
        for number in range(BODIES)
    ]


async def besiege(port: int, clients: int, seconds: float, seed: int) -> Outcome:
    """Have clients ask for so long, each one request after another; what they do is drawn from the seed."""
    outcome = Outcome()
    end = time.monotonic() + seconds
    good = orders()
    await asyncio.gather(*(_client(port, random.Random(f"{seed} {n}"), good, end, outcome) for n in range(clients)))
    return outcome


async def _client(port: int, draw: random.Random, good: list[Order], end: float, outcome: Outcome) -> None:
    while time.monotonic() < end:
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        order = draw.choice(good)
        try:
            match kind:
                case "malformed":
                    became = await _malformed(port, draw)
                case "leave" | "leave a stream":
                    became = await _leave(port, draw, order, stream=kind == "leave a stream")
                case _:
                    became = await _read(port, order, kind, outcome)
        except (AssertionError, OSError, ValueError, LookupError) as error:
            outcome.faults.append(f"{kind}: {type(error).__name__}: {error}")
            became = "fault"
        outcome.counts[f"{kind}: {became}"] += 1


async def _read(port: int, order: Order, kind: str, outcome: Outcome) -> str:
    """Ask until the queue has room, and take note of the whole answer."""
    while True:
        is_streamed = kind != "whole"
        connection = await Connection.opened(port, is_slow=kind == "slow")
        await connection.ask(json.dumps(order.body(stream=is_streamed)).encode())
        status, content = await connection.answer()
        if status != 429:
            break
        outcome.counts["full"] += 1
        await asyncio.sleep(0.1)
    assert status == 200, content[:300]
    texts = _streamed(content) if is_streamed else _whole(content)
    outcome.answers.setdefault(order.number, set()).add(texts)
    return "whole"


async def _leave(port: int, draw: random.Random, order: Order, *, stream: bool) -> str:
    """Ask for more than is waited for, and leave at any moment."""
    connection = await Connection.opened(port, is_slow=False)
    await connection.ask(json.dumps(order.body(stream=stream, max_tokens=LONGEST)).encode())
    if stream and draw.random() < 0.8:
        await connection.reader.read(draw.choice((1, 200, 20_000)))
    else:
        await asyncio.sleep(draw.random() * 0.2)
    if draw.random() < 0.5:
        connection.writer.transport.abort()  # a reset, where the other is a polite end
    await connection.close()
    return "left"


async def _malformed(port: int, draw: random.Random) -> str:
    """Send what is no good request; return what it was, which must be refused, or how it was cut off."""
    connection = await Connection.opened(port, is_slow=False)
    form = draw.random()
    if form < 0.2:
        connection.writer.write(draw.choice(MALFORMED))
    elif form < 0.4:  # more is announced than comes
        await connection.ask(b'{"prompt": "a"', announced=1000)
        await connection.close()
        return "cut off"
    else:
        await connection.ask(draw.choice(BAD_BODIES))
    status, content = await connection.answer()
    assert 400 <= status < 500, (status, content[:300])
    return "refused"


def _whole(content: bytes) -> tuple[tuple[str, str], ...]:
    return tuple((choice["text"], choice["finish_reason"]) for choice in json.loads(content)["choices"])


def _streamed(content: bytes) -> tuple[tuple[str, str], ...]:
    """Return the texts of a stream, which must have come to its end."""
    *events, done, rest = content.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", ""), content[-300:]
    texts: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for event in events:
        for choice in json.loads(event.removeprefix("data: "))["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
            reasons[choice["index"]] = choice["finish_reason"]
    return tuple((texts[index], reasons[index]) for index in sorted(texts))


@dataclass(frozen=True, slots=True)
class Connection:
    """One request's connection, which reads as fast as its client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_slow: bool

    @classmethod
    async def opened(cls, port: int, *, is_slow: bool) -> "Connection":
        """Connect to a server of this machine."""
        one = socket.socket()
        one.setblocking(False)
        if is_slow:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=one, limit=SMALL_BUFFER)
        return cls(reader, writer, is_slow)

    async def ask(self, content: bytes, announced: int | None = None) -> None:
        """Send a request."""
        length = len(content) if announced is None else announced
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode() + content)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Return the status and the whole content of the answer, and close."""
        received = bytearray()
        while data := await self.reader.read(500 if self.is_slow else 65_536):
            received += data
            if self.is_slow:
                await asyncio.sleep(0.01)
        await self.close()
        head, _, content = bytes(received).partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        return status, _joined(content) if b"transfer-encoding: chunked" in head.lower() else content

    async def close(self) -> None:
        """Close it, however the other side has left it."""
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


def _joined(chunks: bytes) -> bytes:
    """Return the content of chunks, of which the last one must be there."""
    content = bytearray()
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        if not int(size, 16):
            return bytes(content)
        content += chunks[: int(size, 16)]
        chunks = chunks[int(size, 16) + 2 :]
