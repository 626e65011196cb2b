"""32 clients that read streams, beside the engine by itself at batch 32: tokens a second, and the time to first token.

    python benchmarks/serve.py [--models random,builtin] [--tokens N] [--runs N]

Both write the same texts, those of 32 seeds behind one prompt, which is checked by their number of tokens. The engine
hands over whole texts in its own process, with nobody to read them: the most that a server could reach. The clients
share the machine with the server, in one process of their own. Opening a model does not count for either.
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import psutil

from gptcli.checkpoint.locate import Located
from gptcli.engine.load import load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.request import Finished, Request
from gptcli.engine.sampling import Sampler

CLIENTS = 32
GOAL = 0.85
PROMPT = "Once upon a time there was a little dog who"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the same 32 texts came about once."""

    tokens: int
    seconds: float
    cpu_seconds: float
    """Of the process that has the engine."""
    first_seconds: float
    """Until the first text of a sequence, the median over all of them."""

    @property
    def rate(self) -> float:
        """Return tokens a second."""
        return self.tokens / self.seconds

    @property
    def cpu_rate(self) -> float:
        """Return tokens a second of a core's time, which other programs on the machine change less."""
        return self.tokens / self.cpu_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs in a process of its own."""

    port: int
    process_id: int

    @property
    def cpu_seconds(self) -> float:
        """Return the time of cores that it has used so far."""
        times = psutil.Process(self.process_id).cpu_times()
        return float(times.user + times.system)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="random,builtin", help="random is of 124M, builtin of 21M parameters")
    parser.add_argument("--tokens", type=int, default=64, help="the most that each client asks for")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ExitStack() as held:
        for name in arguments.models.split(","):
            directory = measure.builtin() if name == "builtin" else held.enter_context(measure.random_gpt2())
            rows += measure_model(name, directory, arguments.tokens, arguments.runs)
    measure.report(f"serve: {CLIENTS} clients that stream up to {arguments.tokens} tokens each, float32", rows)


def measure_model(name: str, directory: Path, tokens: int, runs: int) -> list[dict[str, Any]]:
    """Return a row for the engine and one for the clients."""
    with serving(directory) as server:
        series = measure.in_turn(
            {
                "engine, batch 32": lambda: measure.apart(engine_reading, directory, tokens),
                "32 streaming clients": lambda: measure.apart(clients_reading, server, tokens),
            },
            runs,
        )
    engine, clients = series.values()
    if {one.tokens for one in engine} != {one.tokens for one in clients}:
        raise SystemExit(
            f"the texts differ: {engine[0].tokens} tokens by the engine, {clients[0].tokens} by the server"
        )
    return [
        {
            "model": name,
            "way": way,
            "tokens": readings[0].tokens,
            "tokens/s": measure.median([one.rate for one in readings]),
            "ratio": measure.paired_ratio([one.rate for one in readings], [one.rate for one in engine]),
            "ratio by CPU": measure.paired_ratio([one.cpu_rate for one in readings], [one.cpu_rate for one in engine]),
            "goal": GOAL if readings is clients else "",
            "CPU ms a token": measure.median([1000 / one.cpu_rate for one in readings]),
            "first token s": measure.median([one.first_seconds for one in readings]),
        }
        for way, readings in series.items()
    ]


def engine_reading(directory: Path, tokens: int) -> Reading:
    """Have the engine write the texts, after a few tokens that warm it up."""
    model = load_model(
        Located(name=directory.name, directory=directory),
        ModelOptions(device="cpu", batch_size=CLIENTS),
        least_slots=1,
    )
    sampler = Sampler(options=SamplingOptions(), eos_token_ids=model.config.eos_token_ids, ban=None)
    prompt = tuple(model.tokenizer.encode(PROMPT))

    def write(limit: int) -> Reading:
        start, cpu_start = time.perf_counter(), time.process_time()
        for seed in range(CLIENTS):
            model.engine.submit(
                Request(key=seed, row=0, prompt=prompt, sampler=sampler, samples=1, seed=seed, token_limit=limit)
            )
        first, written = 0.0, 0
        while model.engine.has_work:
            written += sum(len(event.tokens) for event in model.engine.step() if isinstance(event, Finished))
            first = first or time.perf_counter() - start
        return Reading(
            tokens=written,
            seconds=time.perf_counter() - start,
            cpu_seconds=time.process_time() - cpu_start,
            first_seconds=first,
        )

    write(2)
    return write(tokens)


def clients_reading(server: Server, tokens: int) -> Reading:
    """Have 32 clients ask at once and read to the end."""
    return asyncio.run(all_read(server, tokens))


async def all_read(server: Server, tokens: int) -> Reading:
    """Ask at once and read to the end."""
    start, cpu_start = time.perf_counter(), server.cpu_seconds
    found = await asyncio.gather(*(read(server.port, seed, tokens, start) for seed in range(CLIENTS)))
    return Reading(
        tokens=sum(count for count, _ in found),
        seconds=time.perf_counter() - start,
        cpu_seconds=server.cpu_seconds - cpu_start,
        first_seconds=statistics.median(first for _, first in found),
    )


async def read(port: int, seed: int, tokens: int, start: float) -> tuple[int, float]:
    """Read one stream; return how many tokens it had, and when its first text was there."""
    body = {
        "prompt": PROMPT,
        "seed": seed,
        "max_tokens": tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    content = json.dumps(body).encode()
    head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    received = b""
    while b"data: " not in received:
        received += await reader.read(65536)
    first = time.perf_counter() - start
    received += await reader.read()
    writer.close()
    (usage,) = re.findall(rb'"completion_tokens":(\d+)', received)
    return int(usage), first


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    """Serve a model in a process of its own while the block lasts."""
    options = ["--port", "0", "--device", "cpu", "--max-concurrent", str(CLIENTS)]
    command = [*measure.GPTCLI, "serve", "-m", str(directory), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            told = ""
            for line in process.stderr:
                told += line
                if found := re.search(r"at http://[^:]+:(\d+)/", line):
                    yield Server(port=int(found[1]), process_id=process.pid)
                    return
            raise SystemExit(f"the server has ended: {told}")
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
