"""FSDP 2 in two processes: the loss curve of one, checkpoints of whole tensors, samples, models that others load."""

import random
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from accelerate.utils import DistributedType
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

from gptcli.errors import ConfigError, DeviceError
from gptcli.training.metrics_log import read_metrics
from gptcli.training.options import LoraOptions
from gptcli.training.processes import _settle_fsdp
from tests.training.ranks import Outcome, Trial, run_ranks
from tests.tuning import tune, write_rows

pytestmark = pytest.mark.slow

# As accelerate launch sets it from a configuration that leaves all else to its defaults.
ENVIRONMENT = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    "FSDP_OFFLOAD_PARAMS": "false",
}
RUN: dict[str, Any] = {"lr": 1e-3, "epochs": 2.0, "eval_every": 3.0, "save_every": 4.0}
TASKS: Mapping[str, Mapping[str, Any]] = {
    "lm": {"sample_prompt": "a"},
    "complete": {},
    "classify": {},
    "lora": {"lora": {"rank": 2}},
    "muon": {"optimizer": "muon"},
    "checkpointing": {"gradient_checkpointing": True},
}


def write_data(place: Path) -> None:
    """Write rows of each task, 18 to learn and 6 held out."""
    drawn = random.Random(0)
    texts = ["".join(drawn.choices("abc de", k=drawn.randint(2, 20))).strip() or "a" for _ in range(24)]
    rows = {
        **{name: [{"text": text} for text in texts] for name in ("lm", "lora", "muon", "checkpointing")},
        "complete": [{"prompt": text, "completion": text[::-1][:6]} for text in texts],
        "classify": [{"text": text, "label": "xyz"[number % 3]} for number, text in enumerate(texts)],
    }
    for name, found in rows.items():
        write_rows(place / f"{name}.jsonl", found[:18])
        write_rows(place / f"{name}-held.jsonl", found[18:])


Runs = tuple[Path, Mapping[str, tuple[Outcome, ...]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Runs:
    """Run each task in one process and parted among two; stop a run, and resume it in both."""
    place = tmp_path_factory.mktemp("fsdp")
    write_data(place)

    def given(task: str, **options: Any) -> dict[str, Any]:
        return {"validation": str(place / f"{task}-held.jsonl"), **RUN, **TASKS[task], **options}

    def parted(task: str, name: str, *, stop_at: int | None = None, **options: Any) -> Trial:
        where = {"data": str(place / f"{task}.jsonl"), "output": str(place / name), "model": str(tiny)}
        options = given(task, batch_size=1, gradient_accumulation=2, **options)
        return Trial(**where, stop_after=stop_at, options=options)

    trials = {f"{task}-2": parted(task, f"{task}-2") for task in TASKS}
    trials["stopped"] = parted("lm", "lm-2-2", stop_at=5)
    trials["resumed"] = parted("lm", "lm-2-2", resume=True)
    trials["lm-2-1"] = parted("lm", "lm-2-1", stop_at=5)
    trials["half"] = parted("lm", "half", mixed_precision="bf16")
    trials["diverged"] = parted("lm", "diverged", lr=1e30, max_grad_norm=0.0)
    first, second = run_ranks(list(trials.values()), place, **ENVIRONMENT)
    for task in TASKS:
        options = given(task, batch_size=4)
        if task == "lora":
            options["lora"] = LoraOptions(rank=2)
        tune(place / f"{task}.jsonl", place / f"{task}-1", tiny, **options)
    tune(place / "lm.jsonl", place / "lm-2-1", tiny, **given("lm", batch_size=4, resume=True))
    return place, dict(zip(trials, zip(first, second, strict=True), strict=True))


def records(runs: Runs, name: str, kind: str) -> list[Mapping[str, Any]]:
    """Return what a run wrote into metrics.jsonl, of one type."""
    found: list[Mapping[str, Any]] = [
        record for record in read_metrics(runs[0] / name / "metrics.jsonl") if record["type"] == kind
    ]
    return found


@pytest.mark.parametrize("task", TASKS)
def test_a_parted_model_has_the_loss_curve_of_a_whole_one(runs: Runs, task: str) -> None:
    whole, parted = records(runs, f"{task}-1", "step"), records(runs, f"{task}-2", "step")
    for key in ("loss", "grad_norm"):
        found = [step[key] for step in parted]
        np.testing.assert_allclose(found, [step[key] for step in whole], rtol=1e-5, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("task", TASKS)
def test_a_parted_model_is_measured_as_a_whole_one(runs: Runs, task: str) -> None:
    for whole, parted in zip(records(runs, f"{task}-1", "eval"), records(runs, f"{task}-2", "eval"), strict=True):
        assert parted["metrics"] == pytest.approx(whole["metrics"], rel=1e-5, abs=1e-5)


def test_a_parted_model_writes_the_samples_of_a_whole_one(runs: Runs) -> None:
    assert records(runs, "lm-2", "sample") == records(runs, "lm-1", "sample") != []


@pytest.mark.parametrize("name", ["lm-2-2", "lm-2-1"])
def test_a_checkpoint_of_a_parted_model_goes_on_parted_and_whole(runs: Runs, name: str) -> None:
    whole, resumed = records(runs, "lm-1", "step"), records(runs, name, "step")
    assert [step["step"] for step in resumed] == [step["step"] for step in whole]
    np.testing.assert_allclose([step["loss"] for step in resumed], [step["loss"] for step in whole], rtol=0, atol=1e-5)


def test_in_half_precision_losses_and_gradients_are_summed_in_float32(runs: Runs) -> None:
    exact, half = ([step["loss"] for step in records(runs, name, "step")] for name in ("lm-1", "half"))
    assert half != exact
    np.testing.assert_allclose(half, exact, rtol=5e-3)


def test_all_parts_name_the_rows_whose_loss_is_not_finite(runs: Runs) -> None:
    main, other = runs[1]["diverged"]
    assert main.error == other.error
    assert main.error.startswith("TrainingError: step 2: the loss is not finite (rows ")


@pytest.mark.parametrize("task", TASKS)
def test_only_the_main_process_writes_what_is_parted(runs: Runs, task: str) -> None:
    main, other = runs[1][f"{task}-2"]
    assert main.wrote
    assert other.wrote == []


def test_transformers_loads_what_was_parted_with_its_head_tied(runs: Runs) -> None:
    model, loading = GPT2LMHeadModel.from_pretrained(runs[0] / "lm-2", output_loading_info=True)
    assert not any(loading[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.lm_head.weight is model.transformer.wte.weight
    assert GPT2ForSequenceClassification.from_pretrained(runs[0] / "classify-2").config.num_labels == 3
    assert (runs[0] / "lora-2" / "adapter_model.safetensors").is_file()


def accelerator(kind: DistributedType, version: int = 2) -> Any:
    """Return what _settle_fsdp looks at."""
    plugin = SimpleNamespace(fsdp_version=version, cpu_ram_efficient_loading=True, mixed_precision_policy=None)
    return SimpleNamespace(distributed_type=kind, state=SimpleNamespace(fsdp_plugin=plugin))


def test_fsdp_is_refused_where_accelerate_would_do_without() -> None:
    with pytest.raises(DeviceError, match="FSDP needs GPUs"):
        _settle_fsdp(accelerator(DistributedType.MULTI_CPU))


def test_the_first_version_of_fsdp_is_refused() -> None:
    with pytest.raises(ConfigError, match="FSDP needs fsdp_version: 2 in accelerate's config, not 1"):
        _settle_fsdp(accelerator(DistributedType.FSDP, version=1))
