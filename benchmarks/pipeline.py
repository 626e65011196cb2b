"""Many prompts of mixed length from stdin: new tokens a second, beside transformers in batches of 32.

    python benchmarks/pipeline.py [--runs N] [--prompts N] [--peer-prompts N]

Prompts of 2 to 120 words, up to 64 new tokens each. For gptcli the start of the process counts, for transformers
it does not. Transformers is given every k-th prompt, because it takes ten times as long; its batches are filled
in input order, as a plain script does.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure

NEW_TOKENS, BATCH = 64, 32
WORDS = ("the", "a", "old", "little", "dog", "house", "river", "went", "saw", "said", "under", "and", "then", "morning")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--peer-prompts", type=int, default=96)
    arguments = parser.parse_args()
    prompts = mixed_prompts(arguments.prompts)
    step = max(1, len(prompts) // arguments.peer_prompts)
    with measure.random_gpt2() as directory:
        rates = measure.in_turn(
            {
                "transformers": lambda: peer_rate(directory, prompts[::step]),
                "gptcli float32": lambda: our_rate(directory, prompts, []),
                "gptcli int8": lambda: our_rate(directory, prompts, ["--dtype", "int8"]),
            },
            arguments.runs,
            warm_up=0,
        )
    rows = [
        {
            "way": name,
            "tokens/s": measure.median(values),
            "speed": measure.paired_ratio(values, rates["transformers"]),
        }
        for name, values in rates.items()
    ]
    measure.report(f"pipeline: {len(prompts)} prompts of mixed length, up to {NEW_TOKENS} tokens each", rows)


def mixed_prompts(count: int) -> list[str]:
    """Return prompts of 2 to 120 words; short ones are likelier."""
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=int(2 * 60 ** draw.random()))) for _ in range(count)]


def peer_rate(directory: Path, prompts: list[str]) -> float:
    """Return transformers' tokens a second, its start left out."""
    command = [sys.executable, str(measure.PEER), str(directory), "batches", str(BATCH), str(NEW_TOKENS)]
    done = subprocess.run(command, input="\n".join(prompts), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def our_rate(directory: Path, prompts: list[str], options: list[str]) -> float:
    """Return gptcli's tokens a second, from the first process to the last row, its start included."""
    command = [*measure.GPTCLI, "generate", "-m", str(directory), "--max-new-tokens", str(NEW_TOKENS), "--jsonl"]
    with tempfile.TemporaryFile("w+") as source:
        source.write("\n".join(prompts))
        source.seek(0)
        start = time.perf_counter()
        done = subprocess.run([*command, *options], stdin=source, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    return sum(json.loads(line)["new_tokens"] for line in done.stdout.splitlines()) / seconds


if __name__ == "__main__":
    main()
