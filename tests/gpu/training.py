"""Tiny runs on the device under test and on the CPU."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gptcli.tasks import leaving
from gptcli.tasks.pretrain import pretrain
from gptcli.tasks.training_config import PretrainConfig, RunOptions
from gptcli.training.processes import Processes
from gptcli.training.sizes import ShapeOptions
from tests.gpu.models import DEVICE, IS_GPU
from tests.tuning import Tuned, tune, write_rows

STEPS = 6
RUN: dict[str, Any] = {
    "batch_size": 4,
    "max_steps": STEPS,
    "epochs": 99.0,
    "lr": 1e-3,
    "validation_split": 0.0,
    "eval_every": 1000.0,
    "save_every": 1000.0,
}
_LINES = [f"row {n} of {n * n} goes on{' and on' * (n % 5)}" for n in range(24)]


def rows(directory: Path, task: str = "lm") -> Path:
    """Write 24 rows of a task."""
    made: dict[str, list[dict[str, Any]]] = {
        "lm": [{"text": line} for line in _LINES],
        "complete": [{"prompt": f"row {n}", "completion": f"is {n * n}"} for n in range(24)],
        "classify": [{"text": line, "label": ("no", "maybe", "yes")[n % 3]} for n, line in enumerate(_LINES)],
    }
    return write_rows(directory / f"{task}.jsonl", made[task])


def run(data: Path, model: Path, output: str, *, device: str = DEVICE, **options: Any) -> Tuned:
    """Tune for six steps."""
    with half_precision_of_a_gpu(options):
        return tune(data, data.parent / output, model, device=device, **RUN | options)


def run_pretraining(data: Path, output: str, *, device: str = DEVICE, **options: Any) -> Tuned:
    """Pretrain a model of one layer for six steps."""
    given = {"batch_size": 4, "max_steps": STEPS, "eval_every": 3.0, "save_every": 100.0, "lr": 3e-3, **options}
    config = PretrainConfig(
        paths=(str(data),),
        run=RunOptions(output=str(data.parent / output), device=device, given=given),
        shape=ShapeOptions(n_layer=1, n_head=2, n_embd=32, n_positions=24),
        vocab_size=300,
        validation_split=0.3,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaving, "available", lambda: False)
        return Tuned(directory=data.parent / output, events=tuple(pretrain(config)))


@contextlib.contextmanager
def half_precision_of_a_gpu(options: dict[str, Any]) -> Iterator[None]:
    """Where the tests are tried on a CPU, let fp16 be bfloat16 and a scaler, which accelerate has for GPUs only."""
    if IS_GPU or options.get("mixed_precision") != "fp16":
        yield
        return
    joined = Processes.__init__

    def join(self: Processes, **named: Any) -> None:
        joined(self, **{**named, "mixed_precision": "bf16"})
        self.accelerator.scaler = torch.amp.GradScaler("cpu")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Processes, "__init__", join)
        yield


def weights_of(tuned: Tuned) -> bytes:
    """Return the bytes of the model, or of its adapter."""
    (path,) = [*tuned.directory.glob("model.safetensors"), *tuned.directory.glob("adapter_model.safetensors")]
    return path.read_bytes()


def checkpoint_of(tuned: Tuned, step: int) -> Path:
    """Return the checkpoint of a step."""
    return tuned.directory / "checkpoints" / f"step-{step:08}"


def grad_scale_of(tuned: Tuned, step: int) -> float:
    """Return the scale of fp16 that the checkpoint of a step notes."""
    return float(json.loads((checkpoint_of(tuned, step) / "state.json").read_text())["grad_scale"])


def stopping_after(steps: int) -> Any:
    """Return what asks for a stop in this step."""
    asked = iter([*[False] * (steps - 1), True])
    return lambda: next(asked, False)
