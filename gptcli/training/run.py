"""A run's moving parts: the model, its optimizer and how far they are; how they are saved and brought back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedType
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from transformers import GPT2LMHeadModel

from gptcli.errors import OutputError, TrainingError
from gptcli.training.checkpoints import Checkpoint, RunState, checkpoints_of, remove_old, save_checkpoint, step_name
from gptcli.training.objectives import Objective
from gptcli.training.processes import Processes
from gptcli.training.saving import ModelFiles

GO_ON = "once there is room, go on with --resume"
_PREFIX = "model."
"""What an Objective puts before the names of its model's tensors."""
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
_PARTS = StateDictOptions(full_state_dict=True, strict=False)
_KEY = "\t"
"""Stands between a parameter's name and that of a tensor which the optimizer keeps for it."""


class Run:
    """One run, in one of its processes."""

    def __init__(
        self,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        processes: Processes,
        files: ModelFiles,
        *,
        directory: Path,
        state: RunState,
        micro_batch: int,
        num_labels: int | None,
    ) -> None:
        """micro_batch is how many sequences this process computes at once."""
        self.objective = objective
        self.processes = processes
        self.files = files
        self.directory = directory
        self.state = state
        self.micro_batch = micro_batch
        self.num_labels = num_labels
        self.wrapped, self._optimizer = processes.accelerator.prepare(objective, optimizer)
        self.wrapped.train(True)

    def clip(self, max_norm: float) -> float:
        """Limit the norm of all gradients together, 0 is no limit; return what it was."""
        limit = max_norm or float("inf")
        return float(self.processes.accelerator.clip_grad_norm_(self.wrapped.parameters(), limit))

    def learn(self, lr: float) -> None:
        """Take the optimizer's step at a learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return all of the model's tensors, gathered on the CPU; all processes must call it."""
        found: dict[str, Any] = get_model_state_dict(self.wrapped, options=_WHOLE)
        return {name.removeprefix(_PREFIX): tensor for name, tensor in found.items()}

    @contextmanager
    def language_model(self) -> Iterator[GPT2LMHeadModel | None]:
        """Yield the model as it is, for the main process to write with, and None in the others; all must call it.

        Where FSDP parts it among them, a copy is put together.
        """
        model = self.objective.model
        assert isinstance(model, GPT2LMHeadModel)
        if self.processes.accelerator.distributed_type == DistributedType.FSDP:
            weights = self.weights()
            model = GPT2LMHeadModel(deepcopy(model.config))
            model.load_state_dict(weights, strict=False)
        yield model if self.processes.is_main else None

    def save(self, *, keep: int) -> Path:
        """Write a checkpoint, and remove those that are too old; raises TrainingError, in all processes alike."""
        weights, moments = self.weights(), self._moments()
        scaler = self.processes.accelerator.scaler
        state = replace(self.state, grad_scale=None if scaler is None else float(scaler.get_scale()))

        def write() -> Path:
            self.require_finite(weights)
            try:
                path = save_checkpoint(self.directory, state, lambda place: self.files.write(place, weights), moments)
                remove_old(self.directory, keep=keep, best_step=state.best_step)
            except OutputError as error:
                raise TrainingError(f"{error}; {self.kept()}; {GO_ON}") from error
            return path

        return self.processes.by_main(write)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint: its weights, its optimizer and its state."""
        self.load_weights(checkpoint.path)
        raw = self._optimizer.optimizer
        found: dict[str, Any] = get_optimizer_state_dict(self.wrapped, raw, options=_WHOLE)
        moments: dict[str, Any] = {}
        for name, tensor in checkpoint.optimizer().items():
            parameter, _, key = name.partition(_KEY)
            moments.setdefault(parameter, {})[key] = tensor
        groups: Any = self.processes.told_by_main(found.get("param_groups"))  # only the main process gets them
        set_optimizer_state_dict(self.wrapped, raw, {"state": moments, "param_groups": groups}, options=_PARTS)
        scaler, scale = self.processes.accelerator.scaler, checkpoint.state.grad_scale
        if scaler is not None and scale is not None:
            scaler.load_state_dict({**scaler.state_dict(), "scale": scale})
        self.state = checkpoint.state

    def load_weights(self, directory: Path) -> None:
        """Put the weights of a checkpoint into the model."""
        found: dict[str, Any] = {f"{_PREFIX}{name}": tensor for name, tensor in self.files.read(directory).items()}
        set_model_state_dict(self.wrapped, found, options=_PARTS)

    def require_finite(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Raise TrainingError for weights that are not finite, which the last step's loss does not show."""
        for name, tensor in weights.items():
            if not bool(torch.isfinite(tensor).all()):
                raise TrainingError(
                    f"step {self.state.step}: the weights are not finite ({name}); {self.kept()}; lower --lr"
                )

    def kept(self, *, before: int | None = None) -> str:
        """Say which checkpoint a run that cannot go on has left, of a step before one where that is given."""
        found = checkpoints_of(self.directory)
        if before is not None:
            found = [path for path in found if path.name < step_name(before)]
        return f"the last good checkpoint is {found[0]}" if found else "no good checkpoint was saved yet"

    def _moments(self) -> dict[str, torch.Tensor]:
        """Return the optimizer's tensors by parameter and name; all processes must call it."""
        raw = self._optimizer.optimizer
        found: dict[str, Any] = get_optimizer_state_dict(self.wrapped, raw, options=_WHOLE)
        return {
            f"{name}{_KEY}{key}": tensor.detach().cpu().contiguous()
            for name, kept in found.get("state", {}).items()  # only the main process gets it
            for key, tensor in kept.items()
        }
