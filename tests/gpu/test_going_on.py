"""Law 4 on a GPU: a run that was stopped and resumed ends in the bytes of one that never was.

In float32, and of rows as short as these: of longer ones torch adds up attention's gradients in any order.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from gptcli.errors import DeviceError
from gptcli.training.events import Interrupted
from gptcli.training.objectives import NextToken
from gptcli.training.options import LoraOptions
from gptcli.training.run import Run
from tests.gpu.models import DEVICE
from tests.gpu.training import STEPS, checkpoint_of, grad_scale_of, rows, run, stopping_after, weights_of

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "dropout": {"dropout": 0.2},
    "accumulated": {"batch_size": 2, "gradient_accumulation": 2, "dropout": 0.1},
    "checkpointed": {"gradient_checkpointing": True, "dropout": 0.1},
    "lora": {"lora": LoraOptions(rank=2, dropout=0.1)},
    "muon": {"optimizer": "muon"},
    "labels": {"task": "classify", "dropout": 0.1},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_in_float32_that_was_stopped_ends_in_the_same_bytes(tiny: Path, tmp_path: Path, variant: str) -> None:
    options = dict(VARIANTS[variant])
    data = rows(tmp_path, options.pop("task", "lm"))
    whole = run(data, tiny, "whole", **options)
    first = run(data, tiny, "halves", **options, stop=stopping_after(3))
    assert first.of(Interrupted)[0].step == 3
    second = run(data, tiny, "halves", **options, resume=True)
    assert first.losses + second.losses == whole.losses
    assert weights_of(second) == weights_of(whole)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_run_in_mixed_precision_that_was_stopped_goes_on_from_where_it_was(
    tiny: Path, tmp_path: Path, precision: str
) -> None:
    options: dict[str, Any] = {"mixed_precision": precision, "dropout": 0.1}
    data = rows(tmp_path)
    whole = run(data, tiny, "whole", **options)
    first = run(data, tiny, "halves", **options, stop=stopping_after(3))
    second = run(data, tiny, "halves", **options, resume=True)
    assert len(second.losses) == STEPS - 3
    assert first.losses + second.losses == pytest.approx(whole.losses, rel=1e-3)


def test_a_gradient_of_fp16_that_is_not_finite_skips_a_step_lowers_the_scale_and_is_no_divergence(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Run.clip

    def overflowing(self: Run, max_norm: float) -> float:
        if self.state.step == 1:  # before the second step
            for parameter in self.wrapped.parameters():
                if parameter.grad is not None:
                    parameter.grad.fill_(float("inf"))
        return clip(self, max_norm)

    monkeypatch.setattr(Run, "clip", overflowing)
    options: dict[str, Any] = {"mixed_precision": "fp16", "save_every": 1.0, "keep": 99, "max_steps": 9}
    data = rows(tmp_path)
    first = run(data, tiny, "out", **options, stop=stopping_after(6))
    before, after = (checkpoint_of(first, step) / "model.safetensors" for step in (1, 2))
    assert before.read_bytes() == after.read_bytes()
    assert grad_scale_of(first, 2) == grad_scale_of(first, 1) / 2
    assert (checkpoint_of(first, 6) / "model.safetensors").read_bytes() != after.read_bytes()
    second = run(data, tiny, "out", **options, resume=True)
    assert len(second.losses) == 3
    assert grad_scale_of(second, 7) <= grad_scale_of(first, 6)  # a new one would begin higher


def test_memory_that_runs_out_ends_a_run_with_what_to_lower(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(*_: object) -> torch.Tensor:
        return torch.empty(1 << 54, dtype=torch.uint8, device=DEVICE)

    monkeypatch.setattr(NextToken, "loss", loss)
    with pytest.raises(DeviceError, match=r"^out of memory: lower --batch-size or --max-length"):
        run(rows(tmp_path), tiny, "out")
