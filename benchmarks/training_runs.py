"""One training run by gptcli or by transformers' Trainer, each a whole process of its own, and what it took."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import measure

PEER = Path(__file__).with_name("peer_train.py")
WARM_UP_STEPS = 2
"""First steps that speed leaves out: memory is asked for and threads start in them."""
POLL_SECONDS = 0.005
NEVER = "1000000"
"""A step that no run here reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a run wrote down."""

    peak_megabytes: float
    tokens: list[int]
    """Real tokens of each step."""
    seconds: list[float]
    """Training time at the end of each step."""
    accuracies: list[float]
    """On the validation rows, in the order of the evaluations."""
    notes: dict[str, Any] = field(default_factory=dict)
    """The peer's other figures, or the options that gptcli settled."""

    @property
    def tokens_per_second(self) -> float:
        """Real tokens a second once the run is warm."""
        return sum(self.tokens[WARM_UP_STEPS:]) / (self.seconds[-1] - self.seconds[WARM_UP_STEPS - 1])


def by_gptcli(model: str, data: Path, *options: str) -> Trained:
    """Run gptcli finetune to its end."""
    with tempfile.TemporaryDirectory() as name:
        output = Path(name, "out")
        usage = measure.run(_gptcli_command(model, data, output, *options))
        records = _records(output / "metrics.jsonl")
        tables = tomllib.loads((output / "training.toml").read_text(encoding="utf-8"))
    steps = [record for record in records if record["type"] == "step"]
    evaluations = [record["metrics"] for record in records if record["type"] == "eval"]
    return Trained(
        peak_megabytes=usage.peak_megabytes,
        tokens=[step["tokens"] for step in steps],
        seconds=[step["seconds"] for step in steps],
        accuracies=[metrics["accuracy"] for metrics in evaluations if "accuracy" in metrics],
        notes=dict(itertools.chain.from_iterable(table.items() for table in tables.values())),
    )


def by_trainer(task: str, model: str, data: Path, *options: str) -> Trained:
    """Run the peer script to its end; its data caches are new each time."""
    with tempfile.TemporaryDirectory() as name, _offline(name):
        result = Path(name, "result.json")
        usage = measure.run([sys.executable, str(PEER), task, model, str(data), str(result), *options])
        notes = json.loads(result.read_text(encoding="utf-8"))
    parts = (notes.pop(key, []) for key in ("tokens", "seconds", "accuracies"))
    tokens, seconds, accuracies = parts
    return Trained(
        peak_megabytes=usage.peak_megabytes, tokens=tokens, seconds=seconds, accuracies=accuracies, notes=notes
    )


def to_first_step(model: str, data: Path, *options: str) -> tuple[float, float]:
    """Return the seconds from the start of gptcli's process to its first report, and its CPU's; end it there."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile() as complaints:
        output = Path(name, "out")
        start = time.perf_counter()
        process = subprocess.Popen(
            _gptcli_command(model, data, output, *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        )
        try:
            while not _has_line(output / "metrics.jsonl"):
                if process.poll() is not None:
                    complaints.seek(0)
                    sys.exit(f"gptcli ended before its first step: {complaints.read().decode()[-2000:]}")
                time.sleep(POLL_SECONDS)
            seconds = time.perf_counter() - start
        finally:
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return seconds, usage.ru_utime + usage.ru_stime


def _gptcli_command(model: str, data: Path, output: Path, *options: str) -> list[str]:
    command = [*measure.GPTCLI, "finetune", str(data), "-m", model, "-o", str(output), "--device", "cpu"]
    return [*command, *options]


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _has_line(path: Path) -> bool:
    return path.is_file() and b"\n" in path.read_bytes()


@contextmanager
def _offline(directory: str) -> Iterator[None]:
    """Keep the libraries' caches in a directory, and the libraries away from the network."""
    with mock.patch.dict(os.environ, HF_HOME=str(Path(directory, "cache")), HF_HUB_OFFLINE="1"):
        yield
