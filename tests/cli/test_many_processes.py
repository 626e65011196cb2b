"""A run of two processes that is interrupted, loses a process, and is resumed by one; and other launchers' runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gptcli.training.checkpoints import checkpoints_of, newest_checkpoint
from gptcli.training.metrics_log import read_metrics

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60
"""Longer than any run here takes: a test that would hang fails."""
LOOK_SECONDS = 0.02
COMMON = ("--task", "lm", "--device", "cpu", "--dropout", "0", "--lr", "1e-3")
WHOLE = ("--validation-split", "0")
LONG = (*COMMON, *WHOLE, "--epochs", "60", "--save-every", "20", "--keep", "1")
"""Of 10 rows, two a step: 300 steps, some seconds."""
SHORT = (*COMMON, "--epochs", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended."""

    code: int
    err: str
    step: int = 0
    """Of the newest checkpoint, where it was looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the runs are, and what all of them learn."""

    directory: Path
    model: Path

    def start(self, module: Sequence[str], *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a Python module with gptcli's or its own arguments."""
        plain = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
        return subprocess.Popen(
            [sys.executable, "-m", *module, *arguments],
            cwd=self.directory,
            env={**plain, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, module: Sequence[str], *arguments: str, **environment: str) -> Ended:
        """Run it to its end."""
        return ended(self.start(module, *arguments, **environment))


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a process, or kill it and those that it started."""
    try:
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        for each in (*psutil.Process(process.pid).children(recursive=True), process):
            each.kill()
        process.communicate()
        raise
    return Ended(code=process.returncode, err=err)


def wait_until(met: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until a condition is met while a process runs."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not met():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(LOOK_SECONDS)


def newest(directory: Path) -> int:
    """Return the step of the newest checkpoint."""
    return next((int(path.name.removeprefix("step-")) for path in checkpoints_of(directory)), 0)


def has_learned(directory: Path) -> bool:
    """Return whether a step is done; before, a process that is still starting ends at once."""
    return (directory / "metrics.jsonl").is_file() and bool(curve(directory))


def curve(directory: Path) -> list[float]:
    """Return the loss of each step."""
    return [float(str(record["loss"])) for record in read_metrics(directory / "metrics.jsonl") if "loss" in record]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Place:
    """Return the place, with rows in it."""
    directory = tmp_path_factory.mktemp("launched")
    rows = [{"text": "abcde "[number % 5] * (number + 2)} for number in range(10)]
    (directory / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Place(directory=directory, model=tiny)


@pytest.fixture(scope="module")
def stopped(place: Place) -> Ended:
    """Start a run of two processes, and send the launcher SIGTERM after some steps."""
    data = ("finetune", "rows.jsonl", "--model", str(place.model), "-o", "run")
    process = place.start(["gptcli"], *data, *LONG, "--batch-size", "1", "--num-processes", "2")
    wait_until(lambda: has_learned(place.directory / "run"), process)  # all take part in a step
    process.send_signal(signal.SIGTERM)
    found = ended(process)
    return Ended(code=found.code, err=found.err, step=newest(place.directory / "run"))


@pytest.fixture(scope="module")
def killed(place: Place, stopped: Ended) -> Ended:
    """Resume it in two processes, and kill the second one after its next checkpoint."""
    process = place.start(["gptcli"], "finetune", "--resume", "run", "--num-processes", "2")
    wait_until(lambda: newest(place.directory / "run") > stopped.step, process)
    others = [child for child in psutil.Process(process.pid).children() if child.environ().get("RANK") == "1"]
    others[0].kill()
    found = ended(process)
    return Ended(code=found.code, err=found.err, step=newest(place.directory / "run"))


def test_a_signal_ends_all_after_the_step_with_one_checkpoint(place: Place, stopped: Ended) -> None:
    assert stopped.code == 143
    assert stopped.err.splitlines()[-2:] == [
        "gptcli: terminated",
        f"gptcli: stopped after step {stopped.step}; go on with: gptcli finetune --resume run --num-processes 2",
    ]
    assert stopped.step > 0


def test_a_process_that_is_killed_ends_the_run_with_its_reason(killed: Ended) -> None:
    assert killed.code == 6
    assert killed.err.splitlines()[-1] == (
        "gptcli: error: process 1 of 2 was killed by SIGKILL: if memory ran out, lower --batch-size"
    )
    assert "bug" not in killed.err
    assert "Traceback" not in killed.err


def test_the_last_checkpoint_is_whole_and_one_process_goes_on_to_the_end(place: Place, killed: Ended) -> None:
    run = place.directory / "run"
    assert newest_checkpoint(run).state.step == killed.step
    last = place.run(["gptcli"], "finetune", "--resume", "run")
    assert last.code == 0, last.err
    assert len(curve(run)) == 300
    assert (run / "model.safetensors").is_file()


@pytest.fixture(scope="module")
def alone(place: Place) -> list[float]:
    """Return the loss curve of one process."""
    data = ("finetune", "rows.jsonl", "--model", str(place.model), "-o", "alone")
    found = place.run(["gptcli"], *data, *SHORT, *WHOLE, "--batch-size", "2")
    assert found.code == 0, found.err
    return curve(place.directory / "alone")


def test_torchrun_runs_it_and_the_main_process_alone_reports_to_tensorboard(place: Place, alone: list[float]) -> None:
    data = ("finetune", "rows.jsonl", "--model", str(place.model), "-o", "torchrun", "--batch-size", "1")
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "gptcli"]
    held = ("--validation", "rows.jsonl", "--eval-every", "2", "--report-to", "tensorboard")
    found = place.run(torchrun, *data, *SHORT, *held)
    assert found.code == 0, found.err
    run = place.directory / "torchrun"
    np.testing.assert_allclose(curve(run), alone, rtol=0, atol=1e-5)
    (file,) = (run / "gptcli").glob("events.*")
    events = EventAccumulator(str(file)).Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert losses == [(number + 1, pytest.approx(loss)) for number, loss in enumerate(curve(run))]
    assert [event.step for event in events.Scalars("eval/loss")] == [0, 2, 4, 5]  # 0 is the base model


def test_accelerate_runs_it(place: Place, alone: list[float]) -> None:
    data = ("finetune", "rows.jsonl", "--model", str(place.model), "-o", "accelerated", "--batch-size", "1")
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
    found = place.run([*launch, "-m", "gptcli"], *data, *SHORT, *WHOLE)
    assert found.code == 0, found.err
    np.testing.assert_allclose(curve(place.directory / "accelerated"), alone, rtol=0, atol=1e-5)


def test_accelerate_that_starts_one_process_of_two_is_refused(place: Place) -> None:
    launch = ["accelerate.commands.launch", "--cpu", "--num_processes", "2", "-m", "gptcli"]
    found = place.run(launch, "finetune", "rows.jsonl", "-o", "one-of-two")
    assert found.code != 0
    assert "gptcli: error: accelerate launch --cpu starts one process, whatever --num_processes says" in found.err
    assert not (place.directory / "one-of-two").exists()


def test_fsdp_on_a_cpu_is_refused_in_a_line(place: Place) -> None:
    configuration = {"fsdp_version": 2, "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP"}
    environment = {"compute_environment": "LOCAL_MACHINE", "distributed_type": "FSDP", "mixed_precision": "no"}
    document = {**environment, "num_machines": 1, "num_processes": 1, "fsdp_config": configuration}
    (place.directory / "fsdp.json").write_text(json.dumps(document))
    launch = ["accelerate.commands.launch", "--config_file", "fsdp.json", "--main_process_port", "0", "-m", "gptcli"]
    found = place.run(launch, "finetune", "rows.jsonl", "--model", str(place.model), "-o", "fsdp", *SHORT, *WHOLE)
    assert found.code != 0
    assert "gptcli: error: FSDP needs GPUs: on a CPU accelerate gives each process the whole model" in found.err
