"""What the benchmarks share: a random GPT-2 of 124M, whole processes timed in pairs, the machine's facts."""

import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PEER = Path(__file__).with_name("peer.py")
GPTCLI = [sys.executable, "-m", "gptcli"]
SHARED = Path(os.environ.get("GPTCLI_SHARED", Path(__file__).parents[2] / "shared"))
"""The published GPT-2 vocabulary is taken from here; without it a made-up one of the same size serves."""


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one finished process took."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run(command: list[str], exit_code: int = 0) -> Usage:
    """Run a command to its end, its output thrown away; stop the benchmark if it ends otherwise than expected."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != exit_code:
            complaints.seek(0)
            raise SystemExit(f"{command} ended with {process.returncode}: {complaints.read().decode()[-2000:]}")
    return Usage(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_megabytes=usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024),
    )


def in_turn(commands: dict[str, Callable[[], Any]], runs: int, warm_up: int = 1) -> dict[str, list[Any]]:
    """Run commands A B C A B C ..., so that a drifting machine drifts for all; warm-up rounds do not count."""
    results: dict[str, list[Any]] = {name: [] for name in commands}
    for round_number in range(warm_up + runs):
        for name, command in commands.items():
            result = command()
            if round_number >= warm_up:
                results[name].append(result)
    return results


def median(values: list[float]) -> float:
    """Return the median, to three digits."""
    return float(f"{statistics.median(values):.3g}")


def paired_ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of ours / theirs, pair by pair."""
    return median([our / their for our, their in zip(ours, theirs, strict=True)])


@contextmanager
def random_gpt2() -> Iterator[Path]:
    """Yield the directory of a random GPT-2 of 124M parameters."""
    with tempfile.TemporaryDirectory() as name:
        apart(_save_random_gpt2, name)
        yield Path(name)


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own: a child's peak memory is never below its parent's size at its start."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def read_bandwidth() -> float:
    """Return the gigabytes per second at which all cores together read a large array: best of ten."""
    return apart(_read_bandwidth)


def machine() -> dict[str, Any]:
    """Return what a reader must know about this machine."""
    from importlib.metadata import version

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    packages = ("torch", "transformers", "onnxruntime", "numpy")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def builtin() -> Path:
    """Return the directory of the model that ships, unpacked."""
    from gptcli.checkpoint.locate import locate  # what is measured need not carry it

    return locate("builtin", on_progress=lambda *_: None).directory


def report(title: str, rows: list[dict[str, Any]]) -> None:
    """Print a table for people on stderr and one line of JSON on stdout."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *[[str(row.get(column, "")) for column in columns] for row in rows]]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    print(title, file=sys.stderr)
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)), file=sys.stderr)
    print(json.dumps({"benchmark": title, "machine": machine(), "rows": rows}))


def _save_random_gpt2(name: str) -> None:
    """Save a random GPT-2 with the published vocabulary, or one that is made up."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(name)
    published = SHARED / "data" / "gpt2-tokenizer"
    if published.is_dir():
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(published / file, name)
    else:
        _write_made_up_vocabulary(Path(name))


def _read_bandwidth() -> float:
    import torch

    numbers = torch.ones(125_000_000)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        numbers.sum()
        times.append(time.perf_counter() - start)
    return numbers.nbytes / min(times) / 1e9


def _write_made_up_vocabulary(directory: Path) -> None:
    """Write a byte-level vocabulary of GPT-2's size whose words nobody will miss."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    characters = [chr(byte) for byte in printable] + [chr(0x100 + n) for n in range(256 - len(printable))]
    words = characters + [f"\u0120w{n}" for n in range(50257 - 256 - 1)] + ["<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (directory / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (directory / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
