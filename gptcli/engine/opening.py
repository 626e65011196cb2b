"""From a model's place to one that is ready, as far as all kinds of work go the same way: check, choose, load."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement, choose_placement, thread_count

Runner = TypeVar("Runner")
"""What runs the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What there is to know of a model that is ready to run."""

    name: str
    directory: Path
    dtype: str
    config: ModelConfig
    tokenizer: Tokenizer
    description: str
    """What was chosen and why, for --verbose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A checked checkpoint, and where and how it is to run."""

    located: Located
    config: ModelConfig
    weights: Weights
    placement: Placement
    threads: int

    @property
    def quantized(self) -> bool:
        """Return whether it runs in int8."""
        return self.placement.dtype == "int8"

    @property
    def description(self) -> str:
        """Return what was chosen and why."""
        return (
            f"{self.located.name} from {self.located.directory}; {self.placement.backend} backend on "
            f"{self.placement.reason}; {self.placement.dtype}, {self.threads} threads"
        )

    def beside_tokenizer(self, open_runner: Callable[["Opening"], Runner]) -> tuple[Tokenizer, Runner]:
        """Open what runs the model while the tokenizer is loaded."""
        with ThreadPoolExecutor(1) as pool:
            tokenizer = pool.submit(load_tokenizer, self.located.directory, self.config)
            runner = open_runner(self)
        return tokenizer.result(), runner


def opening(located: Located, options: ModelOptions) -> Opening:
    """Check a located model and choose its place; raise ModelError, DeviceError or ConfigError."""
    config = read_config(located.directory)
    placement = choose_placement(options, config.head_dim)
    weights = open_weights(located.directory, config)
    threads = thread_count(options)
    return Opening(located=located, config=config, weights=weights, placement=placement, threads=threads)
