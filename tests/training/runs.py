"""Data for runs that take a second, what they leave behind, and how two of them are compared."""

import json
from collections.abc import Mapping
from pathlib import Path

from gptcli.training.metrics_log import VOLATILE
from tests.forked import Ended

COMMON = "--device cpu --batch-size 2 --lr 1e-3 --epochs 2 --save-every 3 --eval-every 4 --keep 1"
"""Checkpoints and evaluations that fall together and apart, and an older best to be kept."""
COMPARED = ("README.md", "training.toml")
MODEL = ("config.json", "model.safetensors", "adapter_model.safetensors")


def write_rows(directory: Path) -> Path:
    """Write rows for each task; return the directory."""
    lines = [f"Row {n} of {n * n} goes on like {'so and ' * (n % 5)}so." for n in range(160)]
    labelled = [f"{line},{'ant' if n % 3 else 'bee'}" for n, line in enumerate(lines[:24])]
    (directory / "lm.csv").write_text("\n".join(["text", *lines[:24], ""]))
    (directory / "classify.csv").write_text("\n".join(["text,label", *labelled, ""]))
    (directory / "corpus.csv").write_text("\n".join(["text", *lines, ""]))
    return directory


def finished(ended: Ended) -> float:
    """Check that a run came to its end; return how long it took."""
    assert (ended.code, ended.out) == (0, ""), ended.err
    return ended.seconds


def left_by(output: Path) -> dict[str, object]:
    """Return what a run left, but for what the clock decides."""
    left: dict[str, object] = {name: (output / name).read_bytes() for name in COMPARED}
    left |= {name: (output / name).read_bytes() for name in MODEL if (output / name).exists()}
    return left | {"metrics.jsonl": records_of(output), "names": names_of(output)}


def records_of(output: Path) -> list[Mapping[str, object]]:
    """Return the lines of metrics.jsonl, but for what the clock decides."""
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_bytes().splitlines()]
    return [{name: value for name, value in record.items() if name not in VOLATILE} for record in records]


def names_of(output: Path) -> list[str]:
    """Return the names of all files and directories, those of checkpoints too: nothing half written stays."""
    return sorted(str(path.relative_to(output)) for path in output.rglob("*"))
