"""The typed configuration of each task; imports nothing heavy, so that it can be built before the engine loads."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from gptcli.data.prompts import prompter
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ConfigError
from gptcli.tasks.dialogue_formats import check_wanted
from gptcli.tasks.labelling.option_checks import require_label_set_options, require_probability
from gptcli.tasks.labelling.options import LabelOptions
from gptcli.tasks.sharing import ALONE, Share

TokenBias = tuple[tuple[str, float], ...]
"""(token, value added to its logit); the token as text or as an id in digits; -inf forbids it."""


def refuse_infinite(logit_bias: TokenBias) -> None:
    """Raise ConfigError for a bias that would leave no choice, or that is no number."""
    for token, value in logit_bias:
        if not value < float("inf"):
            raise ConfigError(f"--logit-bias {token!r} must be below infinity, not {value:g}: say 100")


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
    logit_bias: TokenBias = ()
    stream: bool = False
    """Yield TextDelta events; only for one row and one sample."""
    skip_rows: int = 0
    """Rows at the beginning that an earlier, interrupted run has already finished."""
    share: Share = ALONE
    """Which of the rows this process does, where there are several."""

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise ConfigError(f"--num-samples must be at least 1, not {self.num_samples}")
        if self.template is not None:
            prompter(self.template)
        refuse_infinite(self.logit_bias)
        beams = self.sampling.num_beams
        if beams > 1 and self.num_samples > beams:
            raise ConfigError(
                f"--num-samples {self.num_samples} needs --num-beams {self.num_samples} or more, not {beams}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatConfig:
    """What `chat` needs to know; raises ConfigError when a value is out of range."""

    seed: int
    model: ModelOptions = field(default_factory=ModelOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    logit_bias: TokenBias = ()
    template: str | None = None
    """plain, dialogpt, a named template or a format string of one field; None is the model's own."""

    def __post_init__(self) -> None:
        refuse_infinite(self.logit_bias)
        if self.template is not None:
            check_wanted(self.template)


Long = Literal["head", "tail", "mean", "max"]
"""What is read of a text that is longer than the window: an end of it, or all, whose windows come to one answer."""

DEFAULT_THRESHOLD = 0.5
"""As transformers' pipeline and scikit-learn have it: a label is given when it is likelier than not."""
DEFAULT_LABEL_SEPARATOR = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyConfig:
    """What `classify` needs to know; raises ConfigError when a value is out of range."""

    records: Iterable[Record]
    """The rows, read lazily: the input may be larger than memory."""
    model: ModelOptions = field(default_factory=ModelOptions)
    labels: LabelOptions | None = None
    """Labels in words, that a language model is asked for; None are those that the model was tuned on."""
    column: str | None = None
    """The column that holds the text; None looks for one named text."""
    long: Long = "head"
    top: int | None = None
    """How many of the likeliest classes to tell; None is all. For classes that exclude each other only, as min_prob."""
    min_prob: float | None = None
    """Below it no class is given."""
    threshold: float | None = None
    """From here on a label is given, by a model whose labels do not exclude each other; None is DEFAULT_THRESHOLD."""
    abstains: bool = False
    """Whether something is to be written where no label is given, so that this must be able to happen."""
    label_column: str | None = None
    """The column of the true labels, to tell how many are given right."""
    label_separator: str | None = None
    """What parts the labels of a cell, as threshold has it; None is DEFAULT_LABEL_SEPARATOR."""
    skip_rows: int = 0
    """Rows at the beginning that an earlier, interrupted run has already finished."""
    share: Share = ALONE
    """Which of the rows this process does, where there are several."""

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise ConfigError(f"--top must be at least 1, not {self.top}")
        require_probability("--min-prob", self.min_prob)
        require_label_set_options(self.threshold, self.label_separator, self.labels)
        if self.labels is not None and self.abstains and self.min_prob is None:
            raise ConfigError("--abstain-label needs --min-prob: each text is given one of --labels")
