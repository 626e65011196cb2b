"""gptcli finetune beside transformers' Trainer, used as its own examples use it: same machine, run and options.

    python benchmarks/train.py [--rows classify,lm,memory,start,quality] [--steps N] [--runs N] [--tokenize-rows N]

Each run is a process of its own, rounds alternate, medians and ratios are reported. AdamW, float32, a linear schedule
without warm-up, dropout as in the config, CPU. A real token is one that is not padding. The peer needs `datasets`.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import measure
import training_data
from training_runs import NEVER, Trained, by_gptcli, by_trainer, to_first_step

Row = dict[str, Any]
SPEED_GOAL, MEMORY_GOAL, START_GOAL, ACCURACY_GOAL = 1.5, 0.6, 0.1, 0.78
MEMORY_STEPS = 2
"""The second has the optimizer's state beside all else: from there on nothing is added."""
PACKED_LENGTH, PACKED_BATCH = 256, 4
"""As many real tokens a step as 32 film-review sentences have, to a tenth."""
FEW_ROWS = 1000
PLAIN = ("--lr", "5e-5", "--warmup", "0", "--weight-decay", "0", "--schedule", "linear", "--seed", "0")
"""The defaults of the examples, said to both."""
TRAIN_ONLY = ("--validation-split", "0", "--save-every", NEVER)
"""What gptcli does beside training, and the examples by default do not."""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(WORKS), help="which works, by name")
    parser.add_argument("--steps", type=int, default=20, help="steps of a run that measures speed")
    parser.add_argument("--runs", type=int, default=3, help="rounds; for quality, seeds")
    parser.add_argument("--tokenize-rows", type=int, default=1_000_000, help="rows of the CSV of start")
    options = parser.parse_args()
    names = options.rows.split(",")
    if unknown := set(names) - set(WORKS):
        parser.error(f"no work named {', '.join(sorted(unknown))}: there are {', '.join(WORKS)}")
    training_data.require_shared_data()
    measure.report("train", [row for name in names for row in WORKS[name](options)])


def classify(options: argparse.Namespace) -> list[Row]:
    """Compare real tokens a second on labelled sentences, 32 at once."""
    data = training_data.SST2 / "train.tsv"
    shared = (*PLAIN, "--batch-size", "32", "--max-length", "128", "--max-steps", str(options.steps))
    with measure.random_gpt2() as directory:
        model = str(directory)
        trainer = partial(by_trainer, "classify", model, data, *shared)
        ways: dict[str, Callable[[], Trained]] = {
            "Trainer, padded to 128": partial(trainer, "--pad-to-max-length"),
            "Trainer, padded to the longest": trainer,
            "gptcli": partial(by_gptcli, model, data, "--task", "classify", *TRAIN_ONLY, *shared),
        }
        return speeds("classify, sst2, 124M", ways, options.runs)


def lm(options: argparse.Namespace) -> list[Row]:
    """Compare real tokens a second on sentences, at about a thousand real tokens a step."""
    shared = (*PLAIN, "--max-steps", str(options.steps))
    rows = (*shared, "--batch-size", "32", "--max-length", "128")
    blocks = (*shared, "--batch-size", str(PACKED_BATCH), "--max-length", str(PACKED_LENGTH))
    with measure.random_gpt2() as directory, temporary("short.csv") as data:
        training_data.write_short_rows(data)
        model = str(directory)
        ours = partial(by_gptcli, model, data, "--task", "lm", *TRAIN_ONLY)
        ways: dict[str, Callable[[], Trained]] = {
            "Trainer, 32 rows padded to the longest": partial(by_trainer, "rows", model, data, *rows),
            f"Trainer, {PACKED_BATCH} blocks of {PACKED_LENGTH}": partial(by_trainer, "blocks", model, data, *blocks),
            "gptcli, 32 rows": partial(ours, *rows),
            f"gptcli --packing, {PACKED_BATCH} of {PACKED_LENGTH}": partial(ours, "--packing", *blocks),
        }
        return speeds("lm, sst2 sentences, 124M", ways, options.runs)


def speeds(work: str, ways: dict[str, Callable[[], Trained]], runs: int) -> list[Row]:
    """Report the real tokens a second of each way, and as multiples of the first and of the fastest Trainer."""
    results = measure.in_turn(ways, runs, warm_up=0)
    speed = {way: [trained.tokens_per_second for trained in mine] for way, mine in results.items()}
    first = next(iter(speed.values()))
    best = max((mine for way, mine in speed.items() if way.startswith("Trainer")), key=statistics.median)
    return [
        {
            "work": work,
            "way": way,
            "real tokens/s": measure.median(mine),
            "ratio": measure.paired_ratio(mine, first),
            "to the fastest Trainer": measure.paired_ratio(mine, best),
            "goal": SPEED_GOAL if way.startswith("gptcli") else "",
            "tokens a step": round(statistics.mean(results[way][0].tokens)),
            "peak MB": measure.median([trained.peak_megabytes for trained in results[way]]),
        }
        for way, mine in speed.items()
    ]


def memory(options: argparse.Namespace) -> list[Row]:
    """Compare the largest resident size of whole runs over 8 x 512 tokens and the published vocabulary."""
    shared = (*PLAIN, "--batch-size", "8", "--max-length", "512", "--max-steps", str(MEMORY_STEPS))
    with measure.random_gpt2() as directory, temporary("long.csv") as data:
        training_data.write_long_rows(data, 8 * MEMORY_STEPS)
        model = str(directory)
        ways: dict[str, Callable[[], Trained]] = {
            "Trainer": partial(by_trainer, "rows", model, data, *shared),
            # Its default for lm would split the rows, and shorter ones would be among them.
            "gptcli": partial(by_gptcli, model, data, "--task", "lm", "--overflow", "truncate", *TRAIN_ONLY, *shared),
        }
        results = measure.in_turn(ways, options.runs, warm_up=0)
    peaks = {way: [trained.peak_megabytes for trained in mine] for way, mine in results.items()}
    return [
        {
            "work": "peak memory, 8 x 512 tokens, 124M",
            "way": way,
            "peak MB": measure.median(mine),
            "ratio": measure.paired_ratio(mine, peaks["Trainer"]),
            "goal": MEMORY_GOAL if way == "gptcli" else "",
            "tokens a step": results[way][0].tokens[0],
        }
        for way, mine in peaks.items()
    ]


def start(options: argparse.Namespace) -> list[Row]:
    """Compare what more rows add before the first step with what the peer's tokenizing of them takes."""
    shared = ("--batch-size", "32", "--max-length", "128")
    with temporary("many.csv") as many, temporary("few.csv") as few:
        training_data.write_labelled_rows(many, options.tokenize_rows)
        training_data.write_labelled_rows(few, FEW_ROWS)
        ours = ("--task", "classify", *TRAIN_ONLY, *PLAIN, *shared)
        ways: dict[str, Callable[[], Any]] = {
            "peer": partial(by_trainer, "classify", str(measure.builtin()), many, "--max-steps", "0", *shared),
            "few": partial(to_first_step, "builtin", few, *ours),
            "many": partial(to_first_step, "builtin", many, *ours),
        }
        results = measure.in_turn(ways, options.runs, warm_up=0)
    peer = [trained.notes for trained in results["peer"]]
    work = f"before the first step, {options.tokenize_rows:,} rows of CSV, built-in model"
    rows: list[Row] = []
    for position, (clock, key) in enumerate((("wall", "tokenizing_seconds"), ("CPU", "tokenizing_cpu_seconds"))):
        theirs = [notes[key] for notes in peer]
        few_seconds, many_seconds = ([run[position] for run in results[name]] for name in ("few", "many"))
        added = [more - less for more, less in zip(many_seconds, few_seconds, strict=True)]
        rows += [
            {"work": work, "way": f"Trainer, {clock}", "seconds": measure.median(theirs)},
            {
                "work": work,
                "way": f"gptcli, {clock}, more than for {FEW_ROWS:,} rows",
                "seconds": measure.median(added),
                "ratio": measure.paired_ratio(added, theirs),
                "goal": START_GOAL,
                "from process start": measure.median(many_seconds),
            },
        ]
    return rows


def quality(options: argparse.Namespace) -> list[Row]:
    """Compare the dev accuracy of the built-in model, tuned by gptcli's defaults and by Trainer on that budget."""
    train, dev = (training_data.SST2 / name for name in ("train.tsv", "dev.tsv"))
    ours: list[Trained] = []
    theirs: list[Trained] = []
    for seed in range(options.runs):
        ours.append(by_gptcli("builtin", train, "--validation", str(dev), "--seed", str(seed)))
        settled = ours[-1].notes
        budget = [
            f"--{name.replace('_', '-')}={settled[name]}"
            for name in ("epochs", "batch_size", "lr", "warmup", "weight_decay", "schedule")
        ]
        base = str(measure.builtin())
        theirs.append(by_trainer("classify", base, train, "--dev", str(dev), "--seed", str(seed), *budget))
    return [
        {
            "work": "quality, sst2 dev accuracy, built-in model",
            "way": way,
            "accuracy at the end": round(statistics.mean(trained.accuracies[-1] for trained in mine), 4),
            "of the best evaluation": round(statistics.mean(max(trained.accuracies) for trained in mine), 4),
            "goal": ACCURACY_GOAL if way == "gptcli" else "",
            "options": " ".join(budget),
        }
        for way, mine in {"Trainer": theirs, "gptcli": ours}.items()
    ]


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    """Yield the path of a file that is gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory, name)


WORKS = {"classify": classify, "lm": lm, "memory": memory, "start": start, "quality": quality}


if __name__ == "__main__":
    main()
