"""Checkpoints of a run: written whole or not at all, checked before they are trusted, the oldest removed.

A checkpoint holds no pickle: tensors are safetensors, the rest is JSON with the hash of every other file.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from gptcli.checkpoint.directory import write_directory
from gptcli.errors import ConfigError, TrainingError
from gptcli.training.files import CHECKPOINTS, STATE
from gptcli.training.stream import Position

OPTIMIZER = "optimizer.safetensors"

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """All of a run but its tensors; its random numbers follow from the seed and the step."""

    step: int = 0
    position: Position = field(default_factory=Position)
    epochs: float = 0.0
    tokens: int = 0
    seconds: float = 0.0
    base_value: float | None = None
    """The cost of the model before the first step, where that says anything."""
    best_step: int | None = None
    best_value: float | None = None
    evaluations_since_best: int = 0
    sequences_per_step: int = 1
    """In one step of the optimizer, over all processes: a resumed run keeps it, whatever their number then is."""
    grad_scale: float | None = None
    """Of fp16."""
    identity: Mapping[str, object]
    """The data and every option that the result depends on; a run that goes on must have the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One that was read and is whole."""

    path: Path
    state: RunState
    damaged: tuple[str, ...] = ()
    """The newer ones that are not whole, each with its problem."""

    def optimizer(self) -> dict[str, torch.Tensor]:
        """Return the optimizer's tensors."""
        return load_file(self.path / OPTIMIZER)


def save_checkpoint(directory: Path, state: RunState, write_model: Callable[[Path], None], optimizer: Tensors) -> Path:
    """Write a checkpoint of a run's directory; raises OutputError where it cannot, leaving the others whole.

    What write_model puts into the checkpoint's directory makes it a model that can be used as it is.
    """
    path = directory / CHECKPOINTS / step_name(state.step)

    def fill(temporary: Path) -> None:
        write_model(temporary)
        save_file(dict(optimizer), temporary / OPTIMIZER)
        hashes = {file.name: _hash(file) for file in sorted(temporary.iterdir())}
        document = {**_as_json(state), "sha256": hashes}
        (temporary / STATE).write_text(json.dumps(document, indent=1), encoding="utf-8")

    path.parent.mkdir(parents=True, exist_ok=True)
    write_directory(path, fill, replace=True)
    return path


def checkpoints_of(directory: Path) -> list[Path]:
    """Return the directories of a run's checkpoints, the newest first."""
    return sorted((directory / CHECKPOINTS).glob("step-*"), reverse=True)


def newest_checkpoint(directory: Path) -> Checkpoint:
    """Return the newest whole checkpoint of a run whose best one is whole too, for its end; raises TrainingError."""
    problems: list[str] = []
    for path in checkpoints_of(directory):
        problem = _problem(path) or _problem_of_best(path)
        if problem is None:
            return Checkpoint(path=path, state=_read_state(path), damaged=tuple(problems))
        problems.append(f"{path}: {problem}")
    if problems:
        raise TrainingError(f"no checkpoint is whole: {'; '.join(problems)}; begin again with --overwrite")
    raise TrainingError(f"{directory}: has no checkpoint to go on from; begin again with --overwrite")


def checkpoint_at(directory: Path, step: int) -> Checkpoint:
    """Return the checkpoint of a step; raises TrainingError when it is not whole."""
    path = directory / CHECKPOINTS / step_name(step)
    problem = _problem(path)
    if problem is not None:
        raise TrainingError(f"{path}: {problem}; begin again with --overwrite")
    return Checkpoint(path=path, state=_read_state(path))


def remove_old(directory: Path, *, keep: int, best_step: int | None) -> None:
    """Remove all but the newest checkpoints and the best one."""
    for path in checkpoints_of(directory)[keep:]:
        if best_step is None or path.name != step_name(best_step):
            shutil.rmtree(path)


def require_identity(checkpoint: Checkpoint, identity: Mapping[str, object]) -> None:
    """Raise ConfigError when a run is not the one that the checkpoint is of."""
    before = checkpoint.state.identity
    # The data and the model come first: what depends on them differs too.
    for name in sorted({*before, *identity}, key=lambda name: (name.startswith("--"), name)):
        if before.get(name) != identity.get(name):
            raise ConfigError(
                f"{checkpoint.path} is of another run: {name} was {before.get(name)!r}, now {identity.get(name)!r};"
                " give the same, or begin again with --overwrite"
            )


def step_name(step: int) -> str:
    """Return the name of a step's checkpoint, which sorts by step."""
    return f"step-{step:08}"


def _problem(path: Path) -> str | None:
    """Say why a checkpoint is not whole; None when it is."""
    try:
        document = json.loads((path / STATE).read_bytes())
        for name, wanted in document["sha256"].items():
            if _hash(path / name) != wanted:
                return f"{name} is damaged"
        _read_state(path)
    except OSError as error:
        return f"{Path(str(error.filename)).name} cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{STATE} is damaged"
    return None


def _problem_of_best(path: Path) -> str | None:
    """Say why the best checkpoint that a whole one names is not whole itself; None when it is."""
    state = _read_state(path)
    if state.best_step is None or state.best_step == state.step:
        return None
    best = path.with_name(step_name(state.best_step))
    problem = _problem(best)
    return None if problem is None else f"the best one by then is {best.name}, where {problem}"


def _read_state(path: Path) -> RunState:
    document = json.loads((path / STATE).read_bytes())
    del document["sha256"]
    document["position"] = Position(*document["position"])
    return RunState(**document)


def _as_json(state: RunState) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(state, name) for name in RunState.__slots__}
    at = state.position
    return {**values, "position": [at.epoch, at.window, at.step]}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
