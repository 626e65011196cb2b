"""Whole processes, from start to exit, beside the plain transformers script: time and peak memory.

    python benchmarks/generate.py [--runs N]

"samples" is five samples of "Hello, my name is" at length 50; its floor is reading the weights 45 times at the
machine's bandwidth and 0.2 s of start. "first token" is one prompt and one new token.
"""

import argparse
from functools import partial
from pathlib import Path

import measure

PROMPT = "Hello, my name is"
SAMPLES, LENGTH, PROMPT_TOKENS = 5, 50, 5
START_SECONDS = 0.2


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with measure.random_gpt2() as directory:
        weights = (directory / "model.safetensors").stat().st_size
        floor = START_SECONDS + (LENGTH - PROMPT_TOKENS) * weights / (measure.read_bandwidth() * 1e9)
        rows = [{"work": "floor of samples", "seconds": round(floor, 2)}]
        rows += compare(directory, "samples", [str(SAMPLES), str(LENGTH)], SAMPLE_ARGUMENTS, runs)
        rows += compare(directory, "first", [], FIRST_ARGUMENTS, runs)
    measure.report("generate: process start to exit", rows)


SAMPLE_ARGUMENTS = ["-n", str(SAMPLES), "--max-length", str(LENGTH)]
FIRST_ARGUMENTS = ["--max-new-tokens", "1"]


def compare(directory: Path, work: str, numbers: list[str], options: list[str], runs: int) -> list[dict[str, object]]:
    """Run the same work by transformers, by gptcli, and by gptcli in int8, in turn."""
    ours = [*measure.GPTCLI, "generate", PROMPT, "-m", str(directory), *options]
    commands = {
        "transformers": [*measure.GPTCLI[:1], str(measure.PEER), str(directory), work, *numbers],
        "gptcli float32": ours,
        "gptcli int8": [*ours, "--dtype", "int8"],
    }
    usages = measure.in_turn({name: partial(measure.run, command) for name, command in commands.items()}, runs)
    peer = usages["transformers"]
    return [
        {
            "work": f"{work}: {name}",
            "seconds": measure.median([usage.wall_seconds for usage in mine]),
            "time ratio": measure.paired_ratio([u.wall_seconds for u in mine], [u.wall_seconds for u in peer]),
            "peak MB": measure.median([usage.peak_megabytes for usage in mine]),
            "memory ratio": measure.paired_ratio([u.peak_megabytes for u in mine], [u.peak_megabytes for u in peer]),
        }
        for name, mine in usages.items()
    ]


if __name__ == "__main__":
    main()
