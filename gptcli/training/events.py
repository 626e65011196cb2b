"""What a training run tells its caller, in the order in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted:
    """All is ready; the first step comes next."""

    step: int
    """Steps done already: above 0 in a resumed run."""
    damaged: tuple[str, ...] = ()
    """Of a resumed run, the newer checkpoints that it cannot go on from, each with its problem."""
    parameters: int
    trainable: int
    batch_size: int
    """Sequences in one step of the optimizer, over all processes and micro-batches."""
    asked_batch_size: int
    """What the options ask for: a run that goes on keeps what it began with."""
    total_steps: int | None
    """At most; None where only the data or the clock will tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step of the optimizer."""

    step: int
    epoch: float
    progress: float
    """Done part of the run, 0 to 1."""
    loss: float
    """Mean over what was predicted in this step, in nats."""
    lr: float
    grad_norm: float
    tokens: int
    """Real tokens of this step."""
    total_tokens: int
    seconds: float
    """Training time so far, of interrupted runs too."""
    tokens_per_second: float
    """Over the last steps."""
    memory_bytes: int
    """Peak of this process, or of its GPU."""
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """Metrics on the validation rows, by name: loss, perplexity, accuracy, macro_f1, matthews, exact_match ..."""

    step: int
    metrics: Mapping[str, float]
    best: bool
    """Whether no evaluation before was better."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """What the model writes now, and how much of it stands word for word in the training data."""

    step: int
    prompt: str
    text: str
    copied: float
    """Share of its words, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """A checkpoint is whole on the disk."""

    step: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Asked to stop: the step was finished and saved, and --resume goes on from there."""

    step: int
    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The model is saved."""

    directory: str
    step: int
    best_step: int | None
    reason: str
    """Why it ended here: "3 epochs", "--max-steps", "--max-time", "--early-stopping 3: no better evaluation"."""
    metrics: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...] | None = None
    """Rows are the true labels, in the order of id2label."""


TrainingEvent = TrainingStarted | StepReport | EvalReport | SampleReport | CheckpointSaved | Interrupted | Finished
