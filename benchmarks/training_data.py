"""The rows that the training benchmarks learn from, all made of the data in SHARED."""

import csv
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import measure

SST2 = measure.SHARED / "data" / "sst2"
STORIES = measure.SHARED / "data" / "pretrain" / "tinystories-valid.txt"
LONG_WORDS = 600
"""A word is at least one token, so that a row of so many fills 512 tokens and more."""


def require_shared_data() -> None:
    """Stop the benchmark where the data is not there."""
    for path in (SST2 / "train.tsv", SST2 / "dev.tsv", STORIES):
        if not path.is_file():
            sys.exit(f"{path} is missing: set GPTCLI_SHARED to the directory whose data/ has it")


def write_short_rows(path: Path) -> None:
    """Write the film-review sentences without their labels: 19 words a row on the mean."""
    _write(path, ["text"], [[text] for text, _ in _reviews()])


def write_long_rows(path: Path, rows: int) -> None:
    """Write rows of children's stories, each past 512 tokens."""
    words = STORIES.read_text(encoding="utf-8").split()
    texts = [" ".join(words[n * LONG_WORDS : (n + 1) * LONG_WORDS]) for n in range(rows)]
    _write(path, ["text"], [[text] for text in texts])


def write_labelled_rows(path: Path, rows: int) -> None:
    """Write made-up reviews with labels: the first half of one sentence and the second half of another."""
    reviews, chance = _reviews(), random.Random(0)
    halves = [(words[: len(words) // 2], words[len(words) // 2 :]) for words in (text.split() for text, _ in reviews)]
    labels = [label for _, label in reviews]
    drawn = ((chance.randrange(len(halves)), chance.randrange(len(halves))) for _ in range(rows))
    _write(path, ["text", "label"], ([" ".join(halves[a][0] + halves[b][1]), labels[b]] for a, b in drawn))


def _reviews() -> list[tuple[str, str]]:
    """Return texts and labels; the file has no quotes, so that it splits at its tabs."""
    lines = (SST2 / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(text, label) for text, label in (line.split("\t") for line in lines)]


def _write(path: Path, columns: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
