"""One decode step: both backends and transformers' generate, beside the limits of the machine.

    python benchmarks/decode.py [--steps N] [--runs N]

At batch 1 a step must read every weight that it uses once: the limit is those bytes over the measured read
bandwidth. At batch 32 it must do two operations a weight and row: the limit is the measured rate of a large
float32 matrix product.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import measure

from gptcli.checkpoint.locate import Located
from gptcli.engine.load import load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.request import Request
from gptcli.engine.sampling import Sampler
from gptcli.engine.stream import in_order

BATCHES = (1, 5, 32)
WAYS: dict[str, ModelOptions | None] = {
    "transformers": None,
    "onnx float32": ModelOptions(device="cpu", batch_size=max(BATCHES)),
    "onnx int8": ModelOptions(device="cpu", dtype="int8", batch_size=max(BATCHES)),
    "torch float32": ModelOptions(device="cpu", backend="torch", batch_size=max(BATCHES)),
}
"""Each way of decoding, and gptcli's options for it."""
PROMPT = tuple(range(100, 105))
Writer = Callable[[int, int], None]
"""Writes samples: how many, and how many tokens each."""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="steps in a run; a run's figure is their mean")
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
    compute_limit = 2 * weights / 4 / measure.apart(matrix_rate)
    rows: list[dict[str, Any]] = [
        {"way": "limit: memory"} | {f"batch {n}": round(1000 * memory_limit, 1) for n in BATCHES},
        {"way": "limit: arithmetic"} | {f"batch {n}": round(1000 * n * compute_limit, 1) for n in BATCHES},
    ]
    series = measure.in_turn(
        {name: partial(measure.apart, step_seconds, name, str(directory), steps) for name in WAYS}, runs, warm_up=0
    )
    found = {
        name: {batch: measure.median([by_batch[batch] for by_batch in mine]) for batch in BATCHES}
        for name, mine in series.items()
    }
    for name, by_batch in found.items():
        row = {"way": name} | {f"batch {n}": round(1000 * seconds, 2) for n, seconds in by_batch.items()}
        speed = {f"speed {n}": round(found["transformers"][n] / seconds, 2) for n, seconds in by_batch.items()}
        rows.append(row | speed | {"of the memory limit": round(by_batch[1] / memory_limit, 3)})
    return rows


def step_seconds(name: str, directory: str, steps: int) -> dict[int, float]:
    """Return the seconds of a step at each batch size; in a process of its own, where no other's threads spin.

    A step is what one more token costs: the time of steps + 1 tokens less that of one, all that a user pays for.
    """
    options = WAYS[name]
    write = transformers_writer(directory) if options is None else engine_writer(Path(directory), options)
    write(max(BATCHES), 2)
    seconds = {}
    for batch in BATCHES:
        start = time.perf_counter()
        write(batch, 1)
        middle = time.perf_counter()
        write(batch, steps + 1)
        seconds[batch] = ((time.perf_counter() - middle) - (middle - start)) / steps
    return seconds


def engine_writer(directory: Path, options: ModelOptions) -> Writer:
    """Return how gptcli's engine writes that many samples of that many tokens."""
    engine = load_model(Located(name=directory.name, directory=directory), options, least_slots=1).engine

    def write(batch: int, tokens: int) -> None:
        sampler = Sampler(options=SamplingOptions(max_new_tokens=tokens), eos_token_ids=(), ban=None)
        request = Request(key=0, prompt=PROMPT, sampler=sampler, samples=batch, seed=0, token_limit=tokens)
        for _ in in_order(engine, [request]):
            pass

    return write


def transformers_writer(directory: str) -> Writer:
    """Return how transformers' generate writes that many samples of that many tokens."""
    import torch
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(directory).eval()
    prompt = torch.tensor([PROMPT])

    def write(batch: int, tokens: int) -> None:
        model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            num_return_sequences=batch,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            pad_token_id=0,
        )

    return write


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
