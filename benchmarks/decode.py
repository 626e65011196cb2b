"""One decode step inside a process: both backends and transformers' own loop, beside the limits of the machine.

    python benchmarks/decode.py [--steps N] [--runs N]

At batch 1 a step must read every weight that it uses once: the limit is those bytes over the measured read
bandwidth. At batch 32 it must do two operations a weight and row: the limit is the measured rate of a large
float32 matrix product.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import measure

from gptcli.checkpoint.locate import Located
from gptcli.engine.load import load_model
from gptcli.engine.options import ModelOptions

BATCHES = (1, 5, 32)
PROMPT = list(range(100, 105))
TOP = 50


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="steps in a run; a run's figure is their median")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with measure.random_gpt2() as directory:
        rows = measure_steps(directory, arguments.steps, arguments.runs)
    measure.report("decode: milliseconds a step, GPT-2 124M", rows)


def measure_steps(directory: Path, steps: int, runs: int) -> list[dict[str, Any]]:
    """Return a row for each way of decoding."""
    stored = (directory / "model.safetensors").stat().st_size
    weights = stored - 1024 * 768 * 4  # position embeddings: one row of them is read
    memory_limit = weights / (measure.read_bandwidth() * 1e9)
    compute_limit = 2 * weights / 4 / matrix_rate()
    rows: list[dict[str, Any]] = [
        {"way": "limit: memory"} | {f"batch {n}": round(1000 * memory_limit, 1) for n in BATCHES},
        {"way": "limit: arithmetic"} | {f"batch {n}": round(1000 * n * compute_limit, 1) for n in BATCHES},
    ]
    ways = {
        "transformers": TransformersSteps(directory),
        "onnx float32": BackendSteps(directory, ModelOptions(device="cpu", batch_size=max(BATCHES))),
        "onnx int8": BackendSteps(directory, ModelOptions(device="cpu", dtype="int8", batch_size=max(BATCHES))),
        "torch float32": BackendSteps(directory, ModelOptions(device="cpu", backend="torch", batch_size=max(BATCHES))),
    }
    found: dict[str, dict[int, float]] = {name: {} for name in ways}
    for batch in BATCHES:
        series = measure.in_turn({name: _series(way, batch, steps) for name, way in ways.items()}, runs)
        for name, medians in series.items():
            found[name][batch] = measure.median(medians)
    for name, by_batch in found.items():
        row = {"way": name} | {f"batch {n}": round(1000 * seconds, 2) for n, seconds in by_batch.items()}
        speed = {f"speed {n}": round(found["transformers"][n] / seconds, 2) for n, seconds in by_batch.items()}
        rows.append(row | speed | {"of the memory limit": round(by_batch[1] / memory_limit, 3)})
    return rows


class BackendSteps:
    """Decoding by one of gptcli's backends."""

    def __init__(self, directory: Path, options: ModelOptions) -> None:
        located = Located(name=directory.name, directory=directory)
        self._backend = load_model(located, options, least_slots=1).engine.backend

    def start(self, batch: int) -> None:
        """Read the prompts."""
        self._backend.prefill(0, [PROMPT] * batch, TOP)
        self._lengths = [len(PROMPT)] * batch

    def step(self) -> None:
        """Add a token to every row."""
        self._backend.decode([7] * len(self._lengths), self._lengths, TOP)
        self._lengths = [length + 1 for length in self._lengths]


class TransformersSteps:
    """Decoding by GPT2LMHeadModel with its own cache, as its generate does, without what generate adds."""

    def __init__(self, directory: Path) -> None:
        import torch
        from transformers import GPT2LMHeadModel

        self._torch = torch
        self._model = GPT2LMHeadModel.from_pretrained(directory).eval()

    def start(self, batch: int) -> None:
        """Read the prompts."""
        with self._torch.inference_mode():
            self._cache = self._model(self._torch.tensor([PROMPT] * batch), use_cache=True).past_key_values
        self._token = self._torch.full((batch, 1), 7)

    def step(self) -> None:
        """Add a token to every row."""
        with self._torch.inference_mode():
            self._model(self._token, past_key_values=self._cache, use_cache=True)


def _series(way: BackendSteps | TransformersSteps, batch: int, steps: int) -> Any:
    """Return a run: the median seconds of its steps."""

    def run() -> float:
        way.start(batch)
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            way.step()
            times.append(time.perf_counter() - start)
        return measure.median(times)

    return run


def matrix_rate() -> float:
    """Return the operations per second of a large float32 matrix product: best of five."""
    import torch

    one, other = torch.randn(2048, 2048), torch.randn(2048, 2048)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        one @ other
        times.append(time.perf_counter() - start)
    return float(2 * 2048**3 / min(times))


if __name__ == "__main__":
    main()
