"""How a run goes and ends: its limits, its evaluations and checkpoints, what it keeps, what stays frozen."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from gptcli.errors import ConfigError, OutputError, TrainingError
from gptcli.training import loop, session
from gptcli.training.events import CheckpointSaved, EvalReport, Interrupted, StepReport, TrainingStarted
from tests.training.runs import names_of
from tests.tuning import Tuned, tune, write_rows

STEPS = 12


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return 24 rows; 4 more that are held out are in a file beside them."""
    write_rows(tmp_path / "held-out.jsonl", [{"text": f"row {n} is held out"} for n in range(4)])
    return write_rows(tmp_path / "data.jsonl", [{"text": f"row {n} of {n * n}"} for n in range(24)])


def run(data: Path, model: Path, *, output: str = "out", **options: Any) -> Tuned:
    """Train for 12 steps of 2 rows."""
    settled = {"validation": str(data.parent / "held-out.jsonl"), "batch_size": 2, "epochs": 1.0, "lr": 1e-3}
    return tune(data, data.parent / output, model, **settled | options)


def steps_of(tuned: Tuned, kind: type[EvalReport] | type[CheckpointSaved]) -> list[int]:
    """Return the steps at which something was reported, the base model's evaluation left out."""
    return [event.step for event in tuned.of(kind) if event.step]


@pytest.mark.parametrize(
    ("options", "steps", "reason"),
    [
        ({}, 12, "1 epoch"),
        ({"epochs": 0.5}, 6, "0.5 epochs"),
        ({"max_steps": 5}, 5, "--max-steps 5"),
        ({"epochs": 1.0, "max_steps": 50}, 12, "1 epoch"),
        ({"epochs": None, "max_tokens": 100}, 4, "--max-tokens 100"),
        ({"epochs": None, "max_time": 1e-6}, 1, "--max-time 1e-06 seconds"),
        ({"gradient_accumulation": 3}, 4, "1 epoch"),
        ({"epochs": 2.0, "packing": True}, 8, "2 epochs"),
    ],
)
def test_the_first_limit_ends_a_run_and_is_named(
    tiny: Path, data: Path, options: dict[str, Any], steps: int, reason: str
) -> None:
    tuned = run(data, tiny, **options, overflow="truncate", eval_every=1000.0, save_every=1000.0)
    assert (tuned.finished.step, tuned.finished.reason) == (steps, reason)
    assert len(tuned.losses) == steps
    assert [report.progress for report in tuned.of(StepReport)].index(1.0) == steps - 1
    if "epochs" not in options or "max_steps" in options:
        assert tuned.of(TrainingStarted)[0].total_steps == steps


@pytest.mark.parametrize(
    ("every", "steps"), [(5.0, [5, 10, 12]), (0.25, [3, 6, 9, 12]), (1.0, list(range(1, 13))), (1000.0, [12])]
)
def test_evaluations_fall_due_by_steps_or_by_parts_of_the_run_and_at_its_end(
    tiny: Path, data: Path, every: float, steps: list[int]
) -> None:
    assert steps_of(run(data, tiny, eval_every=every), EvalReport) == steps


def make_worse(data: Path) -> None:
    """Hold out what no training row has, so that the first evaluation is the best."""
    write_rows(data.parent / "held-out.jsonl", [{"text": "~^~^~^~^~^~^"}] * 2)


def test_a_model_that_was_better_before_it_was_tuned_is_said_to_be(tiny: Path, data: Path) -> None:
    better = run(data, tiny)
    assert better.finished.metrics["loss"] < better.base.metrics["loss"]
    assert not any("before it was tuned" in notice for notice in better.notices)
    make_worse(data)
    worse = run(data, tiny, output="worse", lr=1e-2)
    assert worse.finished.metrics["loss"] > worse.base.metrics["loss"]
    assert any("better on the held-out rows before it was tuned" in notice for notice in worse.notices)


def test_checkpoints_are_kept_as_asked_beside_the_best(tiny: Path, data: Path) -> None:
    make_worse(data)
    tuned = run(data, tiny, lr=1e-2, eval_every=4.0, save_every=2.0, keep=2)
    assert steps_of(tuned, CheckpointSaved) == [2, 4, 6, 8, 10]  # the end is the model itself
    assert [report.best for report in tuned.evaluations] == [True, False, False]
    kept = sorted(path.name for path in (tuned.directory / "checkpoints").iterdir())
    assert kept == ["step-00000004", "step-00000008", "step-00000010"]


def test_each_checkpoint_is_a_model_that_transformers_loads(tiny: Path, data: Path) -> None:
    tuned = run(data, tiny, save_every=6.0, keep=9, eval_every=1000.0)
    (checkpoint,) = (tuned.directory / "checkpoints").iterdir()
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    assert model.config.activation_function == "gelu_new"


def test_the_weights_of_the_best_evaluation_are_those_that_are_saved(tiny: Path, data: Path) -> None:
    make_worse(data)
    tuned = run(data, tiny, lr=1e-2, eval_every=3.0, save_every=1000.0, keep=1)
    losses = {report.step: report.metrics["loss"] for report in tuned.evaluations}
    assert min(losses.values()) == losses[3]
    assert tuned.finished.best_step == 3 < tuned.finished.step == STEPS
    assert tuned.finished.metrics["loss"] == losses[3]
    saved, kept = (
        load_file(place / "model.safetensors")
        for place in (tuned.directory, tuned.directory / "checkpoints" / "step-00000003")
    )
    assert all(torch.equal(saved[name], kept[name]) for name in saved)


def test_a_run_that_gets_no_better_ends_early(tiny: Path, data: Path) -> None:
    make_worse(data)
    tuned = run(data, tiny, lr=1e-2, eval_every=2.0, early_stopping=3)
    assert tuned.finished.reason == "--early-stopping 3: no better evaluation"
    assert (tuned.finished.best_step, tuned.finished.step) == (2, 8)
    assert tuned.finished.metrics == tuned.evaluations[0].metrics


def test_frozen_layers_stay_bit_for_bit_and_the_rest_does_not(tiny: Path, data: Path) -> None:
    tuned = run(data, tiny, freeze=1)
    before, after = AutoModelForCausalLM.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tuned.directory)
    theirs = before.state_dict()
    same = {name for name, tensor in after.state_dict().items() if torch.equal(tensor, theirs[name])}
    assert {name for name in theirs if name.startswith(("transformer.w", "transformer.h.0.", "lm_head"))} == same
    started = tuned.of(TrainingStarted)[0]
    assert started.trainable == sum(tensor.numel() for name, tensor in theirs.items() if name not in same)


def test_more_frozen_layers_than_there_are_is_an_error(tiny: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match="--freeze must be at most 2"):
        run(data, tiny, freeze=3)


def test_dropout_changes_what_is_learned_and_is_saved_with_the_model(tiny: Path, data: Path) -> None:
    losses = [run(data, tiny, overwrite=True, dropout=rate).losses for rate in (0.0, 0.5, 0.5)]
    assert losses[0] != losses[1] == losses[2]
    config = json.loads((data.parent / "out" / "config.json").read_text())
    assert (config["attn_pdrop"], config["embd_pdrop"], config["resid_pdrop"]) == (0.5, 0.5, 0.5)


def test_a_run_that_is_asked_to_stop_finishes_its_step_saves_and_goes_on_as_if_never_stopped(
    tiny: Path, data: Path
) -> None:
    whole = run(data, tiny, eval_every=5.0)
    asked = iter([False, False, True])
    first = run(data, tiny, eval_every=5.0, output="halves", stop=lambda: next(asked))
    assert first.of(Interrupted)[0].step == len(first.losses) == 3
    assert first.of(CheckpointSaved)[-1].step == 3
    second = run(data, tiny, eval_every=5.0, output="halves", resume=True)
    assert first.losses + second.losses == whole.losses
    saved = [load_file(place / "model.safetensors") for place in (whole.directory, second.directory)]
    assert all(torch.equal(saved[0][name], saved[1][name]) for name in saved[0])


def test_a_run_that_is_asked_to_stop_in_its_last_step_ends_as_if_never_asked(tiny: Path, data: Path) -> None:
    """It left a checkpoint of its last step, which a run that nobody disturbs does not have."""
    whole = run(data, tiny, save_every=2.0)
    steps = iter(range(1, len(whole.losses) + 1))
    asked = run(data, tiny, save_every=2.0, output="asked", stop=lambda: next(steps) == len(whole.losses))
    assert not asked.of(Interrupted)
    assert names_of(asked.directory) == names_of(whole.directory)


def test_a_loss_that_is_not_finite_names_the_rows_and_the_last_good_checkpoint(
    tiny: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradients = loop.Loop._gradients

    def broken(self: loop.Loop, step: Any, number: int) -> tuple[float, int]:
        if number == 4:
            with torch.no_grad():
                self._run.objective.model.transformer.wpe.weight[9:] = float("inf")
        return gradients(self, step, number)

    monkeypatch.setattr(loop.Loop, "_gradients", broken)
    with pytest.raises(
        TrainingError, match=r"^step 4: the loss is not finite \(rows \S*data\.jsonl:\d+.*step-00000002"
    ):
        run(data, tiny, save_every=2.0, eval_every=1000.0)


def test_a_log_that_cannot_be_begun_ends_a_run_as_one_that_is_full_does(
    tiny: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("metrics.jsonl cannot be written: No space left on device")

    monkeypatch.setattr(session, "MetricsLog", full)
    with pytest.raises(TrainingError, match=r"No space left .*; once there is room, go on with --resume"):
        run(data, tiny)
