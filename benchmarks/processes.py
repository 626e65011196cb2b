"""Rows shared among processes: texts a second of classify in one process with all cores, and in one on each core.

    python benchmarks/processes.py [--runs N] [--texts N]

Texts of 2 to 20 words in a file, by a head on the built-in model and on one of 124M, which gets a twentieth of them.
The start of the processes counts.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import measure
from classify import classifier, measured_directory, ours, save_builtin_classifier
from pipeline import WORDS

MANY_TIMES_LARGER = 20


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--texts", type=int, default=5000)
    arguments = parser.parse_args()
    with measured_directory(save_builtin_classifier) as builtin:
        rows = compared("built in, 21M", builtin, arguments.texts, arguments.runs)
    with classifier() as large:
        rows += compared("124M", large, arguments.texts // MANY_TIMES_LARGER, arguments.runs)
    measure.report(f"processes: classify {arguments.texts} texts of 2 to 20 words", rows)


def compared(name: str, model: Path, count: int, runs: int) -> list[dict[str, object]]:
    """Return the texts a second of one process, and of as many as there are cores."""
    cores = measure.machine()["cores"]
    with short_texts(count) as file:
        command = ours(model, "-i", str(file))
        shared = [*command, "--num-processes", str(cores)]
        rates = measure.in_turn(
            {
                "one process, one thread": partial(rate, [*command, "--threads", "1"], count),
                f"one process, {cores} threads": partial(rate, [*command, "--threads", str(cores)], count),
                f"{cores} processes, one thread each": partial(rate, shared, count),
            },
            runs,
        )
    base = rates[f"one process, {cores} threads"]
    return [
        {"model": name, "way": way, "texts/s": measure.median(values), "speed": measure.paired_ratio(values, base)}
        for way, values in rates.items()
    ]


def rate(command: list[str], count: int) -> float:
    """Return texts a second, the start included."""
    return count / measure.run(command).wall_seconds


@contextmanager
def short_texts(count: int) -> Iterator[Path]:
    """Yield a file of texts of 2 to 20 words, one a line."""
    draw = random.Random(0)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(" ".join(draw.choices(WORDS, k=draw.randint(2, 20))) + "\n" for _ in range(count))
        file.flush()
        yield Path(file.name)


if __name__ == "__main__":
    main()
