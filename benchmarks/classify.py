"""Labels: by a tuned head and in words, beside transformers; and the memory that a long input takes.

    python benchmarks/classify.py [--work start,texts,words,memory] [--runs N] [--texts N] [--peer-texts N] [--lines N]

start: 10 lines from standard input, process start to exit, beside pipeline("text-classification").
texts: texts of 2 to 120 words, texts a second, beside the pipeline at batch sizes of 1 to 64.
words: the same with four labels in words, beside a loop that scores each text with each label.
memory: resident memory over a file of short lines, by a head on the built-in model.

For gptcli the start of the process counts, for transformers only where the work is the start. Of texts and words,
transformers is given every k-th text, because it takes several times as long.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import measure
from memory import resident_megabytes
from pipeline import mixed_prompts

PEER = Path(__file__).with_name("peer_classify.py")
BATCH_SIZES = (1, 8, 32, 64)
LABELS = ("dog", "house", "river", "morning")
START_LINES = 10
LINE = "the dog went under the house\n"
INT8 = ("--dtype", "int8")

Rows = list[dict[str, Any]]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default="start,texts,words,memory")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--peer-texts", type=int, default=128)
    parser.add_argument("--lines", type=int, default=1_000_000)
    arguments = parser.parse_args()
    works: dict[str, Callable[[argparse.Namespace], Rows]] = {
        "start": start,
        "texts": texts,
        "words": words,
        "memory": memory,
    }
    rows = [{"work": name} | row for name in arguments.work.split(",") for row in works[name](arguments)]
    measure.report("classify", rows)


def start(arguments: argparse.Namespace) -> Rows:
    """Label 10 lines from start to exit."""
    lines = mixed_prompts(START_LINES)
    with classifier() as model:
        seconds = measure.in_turn(
            {
                "transformers pipeline": lambda: run(peer(model, "pipeline"), lines)[0],
                "gptcli float32": lambda: run(ours(model), lines)[0],
                "gptcli int8": lambda: run(ours(model, *INT8), lines)[0],
            },
            arguments.runs,
        )
    theirs = seconds["transformers pipeline"]
    return [
        {"way": name, "seconds": measure.median(mine), "time ratio": measure.paired_ratio(mine, theirs)}
        for name, mine in seconds.items()
    ]


def texts(arguments: argparse.Namespace) -> Rows:
    """Label texts of mixed length by a head."""
    with classifier() as model:
        ways = {
            f"transformers, batches of {size}": partial(peer_rate, peer(model, "batches", str(size)), arguments)
            for size in BATCH_SIZES
        }
        ways["gptcli float32"] = partial(our_rate, ours(model), arguments.texts)
        ways["gptcli int8"] = partial(our_rate, ours(model, *INT8), arguments.texts)
        return compared(measure.in_turn(ways, arguments.runs, warm_up=0))


def words(arguments: argparse.Namespace) -> Rows:
    """Label a quarter of the texts by labels in words."""
    count = max(1, arguments.texts // 4)
    options = ("--labels", ",".join(LABELS))
    with measure.random_gpt2() as model:
        ways = {
            "transformers, each pair": partial(peer_rate, peer(model, "pairs", *LABELS), arguments),
            "gptcli float32": partial(our_rate, ours(model, *options), count),
            "gptcli int8": partial(our_rate, ours(model, *options, *INT8), count),
        }
        return compared(measure.in_turn(ways, arguments.runs, warm_up=0))


def memory(arguments: argparse.Namespace) -> Rows:
    """Read the resident memory at a thousandth, a quarter, a half and the end of a long file."""
    places = {max(1, arguments.lines // part) for part in (1000, 4, 2, 1)}
    with measured_directory(save_builtin_classifier) as model, tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(LINE for _ in range(arguments.lines))
        file.flush()
        process = subprocess.Popen([*ours(model), "-i", file.name], stdout=subprocess.PIPE)
        assert process.stdout is not None
        began = time.perf_counter()
        rows = [
            {"lines": number, "resident MB": round(resident_megabytes(process.pid), 1)}
            for number, _ in enumerate(process.stdout, start=1)
            if number in places
        ]
        process.wait()
    return [*rows, {"lines a second": round(arguments.lines / (time.perf_counter() - began))}]


def compared(rates: dict[str, list[float]]) -> Rows:
    """Return each way's texts a second, and how many times transformers' best of the same round that is."""
    peers = [rates[name] for name in rates if not name.startswith("gptcli")]
    theirs = [max(of_round) for of_round in zip(*peers, strict=True)]
    return [
        {"way": name, "texts/s": measure.median(mine), "speed": measure.paired_ratio(mine, theirs)}
        for name, mine in rates.items()
    ]


def peer(model: Path, *options: str) -> list[str]:
    """Return the command of transformers' side."""
    return [sys.executable, str(PEER), str(model), *options]


def ours(model: Path, *options: str) -> list[str]:
    """Return the command of gptcli's side."""
    return [*measure.GPTCLI, "classify", "-m", str(model), *options]


def peer_rate(command: list[str], arguments: argparse.Namespace) -> float:
    """Return the texts a second that transformers prints, its start left out."""
    given = mixed_prompts(arguments.texts)
    step = max(1, len(given) // arguments.peer_texts)
    return float(run(command, given[::step])[1].split()[-1])


def our_rate(command: list[str], count: int) -> float:
    """Return gptcli's texts a second, its start included."""
    seconds, printed = run(command, mixed_prompts(count))
    if len(printed.splitlines()) != count:
        raise SystemExit(f"{command} gave {len(printed.splitlines())} lines for {count} texts")
    return count / seconds


def run(command: list[str], lines: list[str]) -> tuple[float, str]:
    """Return the seconds of a process that is given lines, and what it prints."""
    with tempfile.TemporaryFile("w+") as source:
        source.write("\n".join(lines))
        source.seek(0)
        began = time.perf_counter()
        done = subprocess.run(command, stdin=source, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout


@contextmanager
def classifier() -> Iterator[Path]:
    """Yield a random GPT-2 of 124M with a head of two labels."""
    with measure.random_gpt2() as base, measured_directory(partial(save_classifier, str(base))) as model:
        yield model


@contextmanager
def measured_directory(save: Callable[[str], None]) -> Iterator[Path]:
    """Yield the directory of a model that a process of its own saves."""
    with tempfile.TemporaryDirectory() as name:
        measure.apart(save, name)
        yield Path(name)


def save_builtin_classifier(name: str) -> None:
    """Save the built-in model with a head of two labels that knows nothing."""
    save_classifier(str(measure.builtin()), name)


def save_classifier(base: str, name: str) -> None:
    """Save a model with a head of two labels that knows nothing, and a pad token for transformers."""
    from transformers import GPT2ForSequenceClassification, GPT2TokenizerFast
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    tokenizer = GPT2TokenizerFast.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(name)
    model = GPT2ForSequenceClassification.from_pretrained(base, num_labels=2, pad_token_id=tokenizer.pad_token_id)
    model.float().save_pretrained(name)


if __name__ == "__main__":
    main()
