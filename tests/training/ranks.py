"""Run finetune in several processes on a CPU, many runs one after the other: torch is imported once in each."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 100
"""Longer than all runs of a test module take, imports with them."""
_WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate")
_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A run of all processes."""

    data: str
    output: str
    model: str
    stop_after: int | None = None
    """The last process wants to stop after so many steps."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to in one process."""

    events: list[str]
    """The kinds of the events."""
    error: str = ""
    """Its kind and its message, where one ended it."""
    wrote: list[str] = field(default_factory=list)
    """Paths in the output directory that this process wrote to."""


def run_ranks(trials: Sequence[Trial], place: Path, *, world: int = 2, **environment: str) -> list[list[Outcome]]:
    """Run trials; return the outcomes in each process."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    (place / "trials.json").write_text(json.dumps([asdict(trial) for trial in trials]))
    shared = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        processes = []
        for rank in range(world):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.training.ranks", str(place)],
                cwd=Path(__file__).parents[2],
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank), **environment},
                stderr=subprocess.PIPE,
            )
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, said.decode()
    documents = [json.loads((place / f"rank-{rank}.json").read_text()) for rank in range(world)]
    return [[Outcome(**outcome) for outcome in document] for document in documents]


def _serve(place: Path) -> None:
    """Be one of the processes."""
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        _part_on_a_cpu()
    rank = int(os.environ["RANK"])
    trials = [Trial(**trial) for trial in json.loads((place / "trials.json").read_text())]
    outcomes = [asdict(_tried(trial, rank)) for trial in trials]
    (place / f"rank-{rank}.json").write_text(json.dumps(outcomes))


def _tried(trial: Trial, rank: int) -> Outcome:
    from gptcli.errors import GptcliError
    from gptcli.tasks.finetune import finetune
    from gptcli.training.options import LoraOptions
    from tests.tuning import finetune_config

    wrote = _writes_below(trial.output)
    options = dict(trial.options)
    if "lora" in options:
        options["lora"] = LoraOptions(**options["lora"])
    config = finetune_config(Path(trial.data), Path(trial.output), Path(trial.model), **options)
    stop = stop_after(trial.stop_after if rank == int(os.environ["WORLD_SIZE"]) - 1 else None)
    events: list[str] = []
    try:
        events.extend(type(event).__name__ for event in finetune(_of_rank(config, rank, stop)))
    except GptcliError as error:
        return Outcome(events=events, error=f"{type(error).__name__}: {error}", wrote=wrote)
    return Outcome(events=events, wrote=wrote)


def _of_rank(config: Any, rank: int, stop: Callable[[], bool]) -> Any:
    return replace(config, run=replace(config.run, rank=rank, stop=stop))


def stop_after(steps: int | None) -> Callable[[], bool]:
    """Return what wants to stop when it is asked for the so-many-th time; it is asked once a step."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return steps is not None and asked >= steps

    return stop


def _writes_below(directory: str) -> list[str]:
    """Return a list that every path below a directory is added to which this process writes to from now on."""
    found: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in _WRITES or (event == "open" and arguments[2] & _FLAGS)
        if writes and str(arguments[0]).startswith(directory):
            found.append(str(arguments[0]))

    sys.addaudithook(note)
    return found


def _part_on_a_cpu() -> None:
    """Have accelerate take CPU processes for ones that FSDP may part a model among, which it does for GPUs only."""
    from accelerate.state import AcceleratorState, DistributedType, PartialState

    begin = AcceleratorState.__init__

    def begin_parted(self: Any, *arguments: Any, **options: Any) -> None:
        if not AcceleratorState._shared_state:
            PartialState(True, timeout=options.get("timeout"))
            PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        begin(self, *arguments, **options)

    AcceleratorState.__init__ = begin_parted


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
