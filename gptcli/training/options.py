"""How a model is trained: the options, their defaults and their checks. Imports nothing heavy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gptcli.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant", "wsd"]
"""How the learning rate goes after the warm-up: to 0 in a line or a half cosine, stays, or stays and then falls."""
MixedPrecision = Literal["no", "bf16", "fp16"]
Overflow = Literal["truncate", "drop", "split", "error"]
"""What to do with a row of more tokens than --max-length."""
OptimizerName = Literal["adamw", "muon"]
Tracker = Literal["tensorboard", "wandb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions:
    """A low-rank adapter in place of training all weights (Hu et al. 2021), as peft's LoraConfig has it."""

    rank: int
    alpha: float | None = None
    """None is 2 * rank."""
    dropout: float = 0.0
    target: tuple[str, ...] = ("c_attn", "c_proj", "c_fc")
    """Names of the modules that get an adapter."""
    merge: bool = False
    """Fold the adapter into the weights at the end, and save a whole model."""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"--lora must be at least 1, not {self.rank}")
        if self.alpha is not None and not (math.isfinite(self.alpha) and self.alpha > 0):
            raise ConfigError(f"--lora-alpha must be above 0, not {self.alpha:g}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"--lora-dropout must be at least 0 and below 1, not {self.dropout:g}")
        if not self.target:
            raise ConfigError("--lora-target must name a module: c_attn, c_proj or c_fc")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """The resolved options of a run: nothing is left to be chosen but the batch size; raises ConfigError.

    Where a task or a model asks for another default than the one here, defaults.py says so.
    """

    epochs: float | None = 3.0
    """Passes over the rows; None where only max_steps, max_tokens or max_time ends the run."""
    max_steps: int | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    """Seconds of training after which it ends well: evaluated and saved."""
    batch_size: int | Literal["auto"] = 8
    """Sequences that one process computes at once; auto finds the largest that fits into memory."""
    gradient_accumulation: int = 1
    """Batches for one step of the optimizer."""
    lr: float = 5e-5
    warmup: float = 0.1
    """Part of the run below 1, else steps."""
    schedule: Schedule = "linear"
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.01
    """On matrices only."""
    max_grad_norm: float = 1.0
    """0 clips nothing."""
    label_smoothing: float = 0.0
    seed: int = 0
    max_length: int | None = None
    """Tokens of a sequence at most; None is the model's context."""
    overflow: Overflow = "truncate"
    packing: bool = False
    gradient_checkpointing: bool = False
    mixed_precision: MixedPrecision = "no"
    dropout: float | None = None
    """Of activations and attention; None is as the model's configuration says."""
    freeze: int = 0
    """The first layers, and the embeddings with them, that stay as they are."""
    compile: bool = False
    lora: LoraOptions | None = None
    eval_every: float = 0.1
    """Part of the run below 1, else steps; its end is always evaluated."""
    save_every: float = 0.1
    """Part of the run below 1, else steps."""
    keep: int = 2
    """Newest checkpoints to keep, beside the best."""
    early_stopping: int | None = None
    """Evaluations without a better one after which the run ends."""
    sample_prompt: str | None = None
    """Write on from it at each evaluation."""
    report_to: tuple[Tracker, ...] = ()

    def __post_init__(self) -> None:
        for complaint in self._complaints():
            raise ConfigError(complaint)

    def _complaints(self) -> Iterator[str]:
        """Yield a message for each value that is not allowed."""
        if self.epochs is self.max_steps is self.max_tokens is self.max_time is None:
            yield "nothing ends the run: give --epochs, --max-steps, --max-tokens or --max-time"
        yield from _positive(
            {
                "--epochs": self.epochs,
                "--max-steps": self.max_steps,
                "--max-tokens": self.max_tokens,
                "--max-time": self.max_time,
                "--batch-size": None if self.batch_size == "auto" else self.batch_size,
                "--gradient-accumulation": self.gradient_accumulation,
                "--lr": self.lr,
                "--max-length": self.max_length,
                "--eval-every": self.eval_every,
                "--save-every": self.save_every,
                "--keep": self.keep,
                "--early-stopping": self.early_stopping,
            }
        )
        for name, value in {
            "--warmup": self.warmup,
            "--weight-decay": self.weight_decay,
            "--max-grad-norm": self.max_grad_norm,
            "--freeze": self.freeze,
            "--seed": self.seed,
        }.items():
            if not (math.isfinite(value) and value >= 0):
                yield f"{name} must be at least 0, not {value:g}"
        if not 0 <= self.label_smoothing < 1:
            yield f"--label-smoothing must be at least 0 and below 1, not {self.label_smoothing:g}"
        if self.dropout is not None and not 0 <= self.dropout < 1:
            yield f"--dropout must be at least 0 and below 1, not {self.dropout:g}"
        if self.max_length is not None and self.max_length < 2:
            yield f"--max-length must be at least 2, not {self.max_length}"
        if self.lora is not None and self.freeze:
            yield "--freeze does not go with --lora, which trains none of the model's own weights"


def _positive(options: dict[str, float | int | None]) -> Iterator[str]:
    """Yield a message for each option that is not a finite number above 0."""
    for name, value in options.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            yield f"{name} must be above 0, not {value:g}"
