"""The typed configuration of finetune and pretrain; imports nothing heavy, so that usage errors cost no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gptcli.data.options import DataOptions
from gptcli.errors import ConfigError
from gptcli.training.options import TrainingOptions
from gptcli.training.sizes import ShapeOptions


def never() -> bool:
    """Ask for no stop."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What both commands that train need to know; raises ConfigError when values do not go together."""

    output: str
    """The directory that the model is saved to; checkpoints lie in it while it trains."""
    device: str = "auto"
    given: Mapping[str, Any] = field(default_factory=dict)
    """The fields of TrainingOptions that the user settled; the others follow from the task and the model."""
    overwrite: bool = False
    """Replace an output directory that is there."""
    resume: bool = False
    """Go on from the newest whole checkpoint of the output directory."""
    rank: int = 0
    """The number of this process among those of the run; only number 0 writes."""
    stop: Callable[[], bool] = never
    """Asked after each step; true finishes with a checkpoint and an Interrupted event."""

    def __post_init__(self) -> None:
        if self.overwrite and self.resume:
            raise ConfigError("--overwrite and --resume contradict each other: give one of them")
        TrainingOptions(**self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig:
    """What `finetune` needs to know."""

    data: DataOptions
    stdin: BinaryIO
    run: RunOptions
    model: str | None = None
    """The base model; None is the default."""
    dry_run: bool = False
    """Report on the data, train nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """What `pretrain` needs to know; raises ConfigError."""

    paths: tuple[str, ...]
    """Files and directories of text."""
    run: RunOptions
    column: str | None = None
    """The column of the text; None looks for one named text."""
    tokenizer: str = "train"
    """train, or the name or directory of a model whose tokenizer is taken."""
    vocab_size: int | None = None
    """Of a tokenizer that is trained; None follows from the size."""
    shape: ShapeOptions = field(default_factory=ShapeOptions)
    validation_split: float = 0.01
    """Part of the documents that is held out."""

    def __post_init__(self) -> None:
        if not self.paths:
            raise ConfigError("no text: give a file or a directory")
        if "-" in self.paths:
            raise ConfigError("pretrain reads files, which it may need more than once: save standard input to one")
        if not 0 <= self.validation_split < 1:
            raise ConfigError(f"--validation-split must be at least 0 and below 1, not {self.validation_split:g}")
        if self.vocab_size is not None and self.tokenizer != "train":
            raise ConfigError("--vocab-size is for --tokenizer train: another tokenizer has its own")
