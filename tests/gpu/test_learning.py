"""A run on a GPU learns what the same run on a CPU learns, in float32 and in halves of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from gptcli.training import memory
from gptcli.training.events import SampleReport, StepReport, TrainingStarted
from gptcli.training.options import LoraOptions
from tests.conftest import save_random_gpt2
from tests.gpu.models import IS_GPU
from tests.gpu.training import STEPS, rows, run, run_pretraining
from tests.tuning import Tuned, held

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "packed": {"packing": True},
    "accumulated": {"batch_size": 2, "gradient_accumulation": 2},
    "checkpointed": {"gradient_checkpointing": True},
    "lora": {"lora": LoraOptions(rank=2)},
    "muon": {"optimizer": "muon"},
    "smoothed": {"label_smoothing": 0.1},
}


def require_near(ours: Tuned, theirs: Tuned) -> None:
    """Compare two loss curves: rounding alone tells them apart, which each step adds to."""
    assert len(ours.losses) == STEPS
    assert ours.losses[0] == pytest.approx(theirs.losses[0], rel=1e-5)
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_loss_curve_is_the_cpus(tiny: Path, tmp_path: Path, variant: str) -> None:
    data = rows(tmp_path)
    ours = run(data, tiny, "gpu", **VARIANTS[variant])
    theirs = run(data, tiny, "cpu", device="cpu", **VARIANTS[variant])
    require_near(ours, theirs)


@pytest.mark.parametrize("task", ["complete", "classify"])
def test_the_loss_curve_of_any_task_and_its_measures_are_the_cpus(tiny: Path, tmp_path: Path, task: str) -> None:
    data = rows(tmp_path, task)
    ours, theirs = (
        run(data, tiny, output, **held(data), **where) for output, where in (("gpu", {}), ("cpu", {"device": "cpu"}))
    )
    require_near(ours, theirs)
    assert ours.finished.metrics == pytest.approx(theirs.finished.metrics, rel=1e-2, abs=1e-4)


def test_pretraining_on_either_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "cache"))
    data = rows(tmp_path)
    ours = run_pretraining(data, "gpu", sample_prompt="row 1")
    theirs = run_pretraining(data, "cpu", device="cpu")
    require_near(ours, theirs)
    assert ours.finished.metrics == pytest.approx(theirs.finished.metrics, rel=1e-2, abs=1e-4)
    assert len(ours.of(SampleReport)) == 2
    assert AutoModelForCausalLM.from_pretrained(ours.directory).config.n_layer == 1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_learns_what_float32_does_to_a_few_percent(tiny: Path, tmp_path: Path, precision: str) -> None:
    data = rows(tmp_path)
    exact = run(data, tiny, "exact", **held(data))
    half = run(data, tiny, "half", mixed_precision=precision, **held(data))
    assert half.losses[0] == pytest.approx(exact.losses[0], rel=0.02)
    assert half.losses != exact.losses
    assert half.finished.metrics["loss"] == pytest.approx(exact.finished.metrics["loss"], rel=0.05)
    assert half.finished.metrics["loss"] < half.base.metrics["loss"]
    saved = load_file(half.directory / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


def test_dropout_follows_the_seed_and_is_the_same_where_activations_are_computed_again(
    tiny: Path, tmp_path: Path
) -> None:
    data = rows(tmp_path)
    first = run(data, tiny, "first", dropout=0.3).losses
    assert run(data, tiny, "again", dropout=0.3).losses == first
    assert run(data, tiny, "checkpointed", dropout=0.3, gradient_checkpointing=True).losses == pytest.approx(
        first, rel=1e-4
    )
    assert run(data, tiny, "none").losses[0] != first[0]


def test_rows_longer_than_what_dropout_keeps_learn_the_same_twice_to_rounding(tmp_path: Path) -> None:
    """Attention computes its three matrices of such rows again on the way back."""
    base = save_random_gpt2(tmp_path / "base", n_positions=256, n_layer=1)
    data = tmp_path / "long.jsonl"
    data.write_text("".join(f'{{"text": "{chr(97 + n) * 40} {"so on and " * 16}"}}\n' for n in range(8)))
    settled: dict[str, Any] = {"dropout": 0.2, "batch_size": 2}
    first, again = (run(data, base, output, **settled).losses for output in ("first", "again"))
    assert again == pytest.approx(first, rel=1e-4)


def test_the_memory_that_is_told_is_the_devices(tiny: Path, tmp_path: Path) -> None:
    told = run(rows(tmp_path), tiny, "out").of(StepReport)[-1].memory_bytes
    assert told > 0
    if IS_GPU:
        assert told <= torch.cuda.max_memory_allocated()


def test_a_batch_size_is_chosen_by_the_devices_free_memory(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = rows(tmp_path)
    roomy = run(data, tiny, "roomy", batch_size="auto", max_steps=1)
    assert roomy.of(TrainingStarted)[0].batch_size == memory.LARGEST_BATCH
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (1, 1))
    monkeypatch.setattr(memory, "own_host_memory", lambda: 1)
    assert run(data, tiny, "full", batch_size="auto", max_steps=1).of(TrainingStarted)[0].batch_size == 1


def test_cudnn_which_plans_for_each_shape_anew_does_not_attend(tiny: Path, tmp_path: Path) -> None:
    run(rows(tmp_path), tiny, "out", max_steps=1)
    assert not torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]


@pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler here")
@pytest.mark.filterwarnings("ignore")  # torch warns of itself while it compiles
def test_compiled_layers_learn_the_same(tmp_path: Path) -> None:
    base = save_random_gpt2(tmp_path / "base", n_layer=1)
    data = rows(tmp_path)
    plain, compiled = (run(data, base, str(wants), compile=wants, max_steps=3).losses for wants in (False, True))
    assert compiled == pytest.approx(plain, rel=1e-4)
