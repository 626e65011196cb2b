"""Several processes of one command line on this machine: what each is given, and how they end."""

import ast
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gptcli.cli.launching import _environment

LOOK_SECONDS = 0.02
"""Between two looks for a file: the processes need the cores to get there."""
FAKE = """
import os, signal, sys, time, types
from pathlib import Path

def finetune(config):
    from gptcli.errors import InputError, TrainingError
    from gptcli.training.events import Interrupted, TrainingStarted
    rank, place = config.run.rank, Path(os.environ["PLACE"])
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")
    read = config.stdin.read() if config.data.paths == ("-",) else b""
    (place / f"{rank}.txt").write_text(repr(([os.environ[name] for name in names], read)))
    match os.environ["PLAY"]:
        case "all fail":
            raise InputError("no rows")
        case "one fails" if rank == 1:
            raise InputError("my row is bad")
        case "one has a bug" if rank == 1:
            raise TypeError("oh")
        case "one dies" if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case "deaf":
            from gptcli.cli import orphans
            orphans.PARTING_SECONDS = 0.2
            signal.signal(signal.SIGTERM, lambda number, frame: None)
            (place / f"{rank}.ready").touch()
            while True:
                time.sleep(0.01)
        case "done":
            return
    yield TrainingStarted(step=0, parameters=1, trainable=1, batch_size=1, asked_batch_size=1, total_steps=None)
    (place / f"{rank}.ready").touch()
    while not config.run.stop():
        time.sleep(0.01)
        if os.environ["PLAY"] == "one has a bug":
            raise TrainingError("lost")
    if os.environ["PLAY"] == "stopped":
        yield Interrupted(step=7, directory="out")

module = types.ModuleType("gptcli.tasks.finetune")
module.finetune = finetune
sys.modules[module.__name__] = module
"""


@pytest.fixture
def launched(tmp_path: Path):
    """Return a function that starts a command line in processes whose task is a fake."""
    (tmp_path / "sitecustomize.py").write_text(FAKE)
    plain = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS", "RANK", "WORLD_SIZE")}
    processes = []

    def start(play: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "gptcli", "finetune", *arguments],
            env={**plain, "PYTHONPATH": str(tmp_path), "PLACE": str(tmp_path), "PLAY": play, **environment},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def told(tmp_path: Path, rank: int):
    """Return the environment that a process had, and what it read."""
    return ast.literal_eval((tmp_path / f"{rank}.txt").read_text())


def wait_until_ready(tmp_path: Path, process, count: int) -> None:
    while not all((tmp_path / f"{rank}.ready").exists() for rank in range(count)):
        assert process.poll() is None, process.communicate()
        time.sleep(LOOK_SECONDS)


def test_each_process_has_its_place_and_the_whole_of_standard_input(launched, tmp_path):
    process = launched("done", "-", "-o", "out", "--num-processes", "2")
    out, err = process.communicate("some\ndata\n", timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    first, second = told(tmp_path, 0), told(tmp_path, 1)
    assert first[0][:5] == ["0", "0", "2", "2", "127.0.0.1"]
    assert second[0][:5] == ["1", "1", "2", "2", "127.0.0.1"]
    assert first[0][5:] == second[0][5:]
    assert first[1] == second[1] == b"some\ndata\n"


def test_the_cores_are_shared_unless_the_user_said_otherwise(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)  # macOS has none
    assert _environment({}, 0, 12)["OMP_NUM_THREADS"] == "1"
    assert _environment({}, 0, 2)["OMP_NUM_THREADS"] == "3"
    assert _environment({"OMP_NUM_THREADS": "7"}, 0, 1)["OMP_NUM_THREADS"] == "7"


def test_an_error_that_all_processes_see_is_said_once(launched):
    process = launched("all fail", "a.csv", "-o", "out", "--num-processes", "2")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (3, "", "gptcli: error: no rows\n")


@pytest.mark.slow
def test_an_error_of_one_process_ends_the_others_and_is_said_by_it(launched):
    process = launched("one fails", "a.csv", "-o", "out", "--num-processes", "2")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.splitlines()[-1] == "gptcli: error: rank 1: my row is bad"


def test_a_bug_in_one_process_is_told_though_the_first_has_lost_the_connection(launched):
    process = launched("one has a bug", "a.csv", "-o", "out", "--num-processes", "2")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines()[-2:] == [
        "gptcli: error: lost",
        "gptcli: bug: TypeError: oh; run again with --traceback",
    ]


@pytest.mark.slow
def test_a_process_that_is_killed_takes_the_others_with_it(launched):
    process = launched("one dies", "a.csv", "-o", "out", "--num-processes", "2")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert err.splitlines()[-1] == (
        "gptcli: error: process 1 of 2 was killed by SIGKILL: if memory ran out, lower --batch-size"
    )


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_reaches_all_processes_once_and_the_first_says_how_to_go_on(launched, tmp_path, number, code, word):
    process = launched("stopped", "a.csv", "-o", "out", "--num-processes", "2")
    wait_until_ready(tmp_path, process, 2)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.splitlines()[-2:] == [
        f"gptcli: {word}",
        "gptcli: stopped after step 7; go on with: gptcli finetune --resume out --num-processes 2",
    ]


def kill_launcher(process) -> list[psutil.Process]:
    """Kill what has started the processes of a run, and return those."""
    children = psutil.Process(process.pid).children()
    process.kill()
    assert len(children) == 2
    return children


def wait_until_ended(processes) -> None:
    until = time.monotonic() + 60
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            while process.status() != psutil.STATUS_ZOMBIE:  # nobody asks how it ended
                assert time.monotonic() < until
                time.sleep(LOOK_SECONDS)


def test_where_the_launcher_is_killed_the_others_stop_as_if_asked_to(launched, tmp_path):
    process = launched("stopped", "a.csv", "-o", "out", "--num-processes", "2")
    wait_until_ready(tmp_path, process, 2)
    children = kill_launcher(process)
    _, err = process.communicate(timeout=60)  # until the first of them closes it
    assert err.splitlines()[-2:] == [
        "gptcli: terminated",
        "gptcli: stopped after step 7; go on with: gptcli finetune --resume out --num-processes 2",
    ]
    wait_until_ended(children)


def test_where_the_launcher_is_killed_those_end_too_that_answer_nothing(launched, tmp_path):
    """Ranks that waited in torch for others, which were never started, waited for a day."""
    process = launched("deaf", "a.csv", "-o", "out", "--num-processes", "2")
    wait_until_ready(tmp_path, process, 2)
    wait_until_ended(kill_launcher(process))


def test_a_usage_error_starts_no_process(launched, tmp_path):
    process = launched("done", "a.csv", "--lora-alpha", "2", "--num-processes", "2")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "gptcli: error: --lora-alpha cannot apply without --lora R\n")
    assert not (tmp_path / "0.txt").exists()
