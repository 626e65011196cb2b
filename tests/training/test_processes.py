"""Two processes learn what one learns at the same global batch, agree on how a run ends, and one of them writes."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from gptcli.errors import TrainingError
from gptcli.training.checkpoints import newest_checkpoint
from gptcli.training.events import Interrupted
from gptcli.training.metrics_log import read_metrics
from gptcli.training.options import LoraOptions
from gptcli.training.processes import Processes
from tests.training.ranks import Outcome, Trial, run_ranks, stop_after
from tests.tuning import tune, write_rows

pytestmark = pytest.mark.slow

RUN: dict[str, Any] = {"lr": 1e-3, "epochs": 2.0, "eval_every": 3.0, "save_every": 4.0}
ALONE: dict[str, Any] = {"batch_size": 4}
SHARED: dict[str, Any] = {"batch_size": 1, "gradient_accumulation": 2}
"""The same sequences a step for each of two processes, in two micro-batches."""
TASKS: Mapping[str, Mapping[str, Any]] = {
    "lm": {"sample_prompt": "a"},
    "packed": {"packing": True, "max_length": 40},
    "complete": {},
    "classify": {},
    "lora": {"lora": {"rank": 2}},
}
STOPPED_AT = 5


def write_data(place: Path) -> None:
    """Write rows of each task, 25 to learn and 6 held out."""
    drawn = random.Random(0)
    texts = ["".join(drawn.choices("abc de", k=drawn.randint(2, 20))).strip() or "a" for _ in range(31)]
    plain = [{"text": text} for text in texts]
    rows = {
        **dict.fromkeys(("lm", "packed", "lora"), plain),
        "complete": [{"prompt": text, "completion": text[::-1][:6]} for text in texts],
        "classify": [{"text": text, "label": "xyz"[number % 3]} for number, text in enumerate(texts)],
    }
    for name, found in rows.items():
        write_rows(place / f"{name}.jsonl", found[:25])
        write_rows(place / f"{name}-held.jsonl", found[25:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of one process and of two."""

    place: Path
    ranks: Mapping[str, tuple[Outcome, ...]]
    """By the name of the run, what it came to in each process."""

    def records(self, name: str, kind: str) -> list[Mapping[str, Any]]:
        """Return what a run wrote into metrics.jsonl, of one type."""
        found: list[Mapping[str, Any]] = [
            record for record in read_metrics(self.place / name / "metrics.jsonl") if record["type"] == kind
        ]
        return found

    def curve(self, name: str, key: str = "loss") -> list[float]:
        """Return a figure of each step."""
        return [record[key] for record in self.records(name, "step")]

    def weights(self, name: str) -> Mapping[str, np.ndarray]:
        """Return the model that a run left."""
        (path,) = (self.place / name).glob("*model.safetensors")
        return load_file(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Runs:
    """Run each task in one process and in two; stop some runs of each, and resume them in the other."""
    place = tmp_path_factory.mktemp("runs")
    write_data(place)

    def held(task: str) -> Mapping[str, str]:
        return {"validation": str(place / f"{task}-held.jsonl")}

    def alone(task: str, name: str, **options: Any) -> None:
        if task == "lora":
            options["lora"] = LoraOptions(**TASKS[task]["lora"])
        tune(place / f"{task}.jsonl", place / name, tiny, **{**RUN, **held(task), **TASKS[task], **ALONE, **options})

    def shared(task: str, name: str, *, stop_at: int | None = None, **options: Any) -> Trial:
        given = {**RUN, **held(task), **TASKS[task], **SHARED, **options}
        where = {"data": str(place / f"{task}.jsonl"), "output": str(place / name), "model": str(tiny)}
        return Trial(**where, stop_after=stop_at, options=given)

    for task in TASKS:
        alone(task, f"{task}-1")
    alone("lm", "lm-1-2", stop=stop_after(STOPPED_AT))
    trials = {f"{task}-2": shared(task, f"{task}-2") for task in TASKS}
    trials["lm-1-2"] = shared("lm", "lm-1-2", resume=True, batch_size=3)
    trials["lm-2-1"] = shared("lm", "lm-2-1", stop_at=STOPPED_AT)
    trials["diverged"] = shared("lm", "diverged", lr=1e30, max_grad_norm=0.0)
    trials["no-column"] = shared("lm", "no-column", text_column="absent")
    first, second = run_ranks(list(trials.values()), place)
    alone("lm", "lm-2-1", resume=True, batch_size=16)
    return Runs(place=place, ranks=dict(zip(trials, zip(first, second, strict=True), strict=True)))


@pytest.mark.parametrize("task", TASKS)
def test_two_processes_have_the_loss_curve_of_one(runs: Runs, task: str) -> None:
    alone, shared = f"{task}-1", f"{task}-2"
    assert runs.curve(shared, "tokens") == runs.curve(alone, "tokens")
    assert runs.curve(shared, "lr") == runs.curve(alone, "lr")
    np.testing.assert_allclose(runs.curve(shared), runs.curve(alone), rtol=0, atol=1e-5)
    np.testing.assert_allclose(runs.curve(shared, "grad_norm"), runs.curve(alone, "grad_norm"), rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_two_processes_measure_what_one_measures(runs: Runs, task: str) -> None:
    alone, shared = runs.records(f"{task}-1", "eval"), runs.records(f"{task}-2", "eval")
    assert [(record["step"], record["best"]) for record in shared] == [
        (record["step"], record["best"]) for record in alone
    ]
    for one, two in zip(alone, shared, strict=True):
        assert two["metrics"] == pytest.approx(one["metrics"], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_two_processes_leave_the_model_of_one(runs: Runs, task: str) -> None:
    alone, shared = runs.weights(f"{task}-1"), runs.weights(f"{task}-2")
    assert shared.keys() == alone.keys()
    for name, tensor in alone.items():
        found = shared[name]
        if name.endswith("c_attn.bias"):
            # A bias of the keys changes no attention: its gradient is all rounding, which Adam makes steps of.
            tensor, found = (np.delete(bias, np.s_[len(bias) // 3 : 2 * len(bias) // 3]) for bias in (tensor, found))
        np.testing.assert_allclose(found, tensor, rtol=0, atol=1e-4, err_msg=name)


def test_a_step_of_fewer_sequences_than_processes_is_learned(runs: Runs) -> None:
    steps = runs.records("lm-2", "step")
    assert len(steps) == 2 * 7  # of 25 rows, the last step of an epoch has one
    assert steps[6]["epoch"] == 1.0
    assert steps[6]["tokens"] < min(step["tokens"] for step in steps[:6])


def test_samples_are_those_of_one_process(runs: Runs) -> None:
    assert runs.records("lm-2", "sample") == runs.records("lm-1", "sample") != []


@pytest.mark.parametrize("name", ["lm-1-2", "lm-2-1"])
def test_a_run_goes_on_in_another_number_of_processes(runs: Runs, name: str) -> None:
    assert runs.curve(name, "step") == runs.curve("lm-1", "step")
    assert runs.curve(name, "tokens") == runs.curve("lm-1", "tokens")
    np.testing.assert_allclose(runs.curve(name), runs.curve("lm-1"), rtol=0, atol=1e-5)


def test_one_process_that_wants_to_stop_stops_all_after_the_same_step(runs: Runs) -> None:
    for outcome in runs.ranks["lm-2-1"]:
        assert outcome.events[-1] == Interrupted.__name__
        assert outcome.events.count("StepReport") == STOPPED_AT


@pytest.mark.parametrize("name", [f"{task}-2" for task in TASKS])
def test_only_the_main_process_writes(runs: Runs, name: str) -> None:
    main, other = runs.ranks[name]
    assert main.events == other.events
    assert main.wrote
    assert other.wrote == []


def test_all_processes_meet_bad_data_with_the_same_words(runs: Runs) -> None:
    main, other = runs.ranks["no-column"]
    assert main.error == other.error
    assert "absent" in main.error
    assert not (runs.place / "no-column").exists()


def test_all_processes_name_the_same_rows_whose_loss_is_not_finite(runs: Runs) -> None:
    main, other = runs.ranks["diverged"]
    assert main.error == other.error
    assert main.error.startswith("TrainingError: step 2: the loss is not finite (rows ")


def test_a_resumed_run_keeps_the_sequences_of_a_step(runs: Runs) -> None:
    for name in ("lm-1-2", "lm-2-1"):
        assert newest_checkpoint(runs.place / name).state.sequences_per_step == 4


def test_the_accumulation_of_another_configuration_does_not_divide_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    weight = torch.ones((), requires_grad=True)
    Processes(device="cpu", mixed_precision="no").accelerator.backward(weight * 2)
    assert weight.grad == 2


def lost(world: int, error: RuntimeError) -> Callable[[], None]:
    """Return what meets an error in one of some processes."""

    class Some(Processes):
        world = property(lambda self: number)  # type: ignore[assignment]

    number, processes = world, Some(device="cpu", mixed_precision="no")

    def meet() -> None:
        with processes.together():
            raise error

    return meet


@pytest.mark.parametrize("text", ["[third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer", "x"])
def test_a_connection_that_is_lost_is_told_from_a_bug(text: str) -> None:
    error = RuntimeError(text)
    with pytest.raises(TrainingError if "gloo" in text else RuntimeError):
        lost(2, error)()
    with pytest.raises(RuntimeError, match="x" if text == "x" else "closed by peer"):
        lost(1, error)()
    with pytest.raises(TrainingError):
        lost(2, torch.distributed.DistBackendError("NCCL"))()
