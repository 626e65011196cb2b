"""The typed configuration of each task; imports nothing heavy, so that it can be built before the engine loads."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gptcli.data.prompts import prompter
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateConfig:
    """What `generate` needs to know; raises ConfigError when values do not go together."""

    records: Iterable[Record]
    """The rows, read lazily: the input may be larger than memory."""
    seed: int
    model: ModelOptions = field(default_factory=ModelOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    column: str | None = None
    """The column that holds the prompt; None looks for one named prompt or text."""
    template: str | None = None
    """A named template, a format string over the columns, or "none"; None is the one saved with the model."""
    num_samples: int = 1
    logit_bias: tuple[tuple[str, float], ...] = ()
    """(token, value added to its logit); the token as text or as an id in digits; -inf forbids it."""
    stream: bool = False
    """Yield TextDelta events; only for one row and one sample."""
    skip_rows: int = 0
    """Rows at the beginning that an earlier, interrupted run has already finished."""

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise ConfigError(f"--num-samples must be at least 1, not {self.num_samples}")
        if self.template is not None:
            prompter(self.template)
        for token, value in self.logit_bias:
            if not value < float("inf"):
                raise ConfigError(f"--logit-bias {token!r} must be below infinity, not {value:g}: say 100")
        beams = self.sampling.num_beams
        if beams > 1 and self.num_samples > beams:
            raise ConfigError(
                f"--num-samples {self.num_samples} needs --num-beams {self.num_samples} or more, not {beams}"
            )
