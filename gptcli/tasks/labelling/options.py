"""The options of labels that no model was tuned on; imports nothing heavy."""

from dataclasses import dataclass
from typing import Literal

from gptcli.data.label_template import LabelTemplate
from gptcli.errors import ConfigError

Scoring = Literal["sum", "mean", "pmi"]
"""How the log probabilities of a label's tokens become its score; gptcli.evaluation.calibration has the formulas."""

DEFAULT_TEMPLATE = "Text: {text}\nLabel: {label}"
DEFAULT_SCORING: Scoring = "sum"
DEFAULT_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelText:
    """A label, and what stands in the prompt for it: its description, else its name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOptions:
    """Labels in words, and how a language model is asked for them; raises ConfigError for what makes no sense."""

    labels: tuple[LabelText, ...]
    template: str = DEFAULT_TEMPLATE
    """A text with the fields {text} and {label}, in this order."""
    scoring: Scoring = DEFAULT_SCORING
    calibrate: bool | None = None
    """Take from each label what it is given without a text; None is yes but for pmi, which does so itself."""
    examples: str | None = None
    """A file of labelled rows that the model reads before each text."""
    shots: int | None = None
    """How many of them at most; None is as many as the window has room for."""
    seed: int = DEFAULT_SEED
    """Settles which rows of the file are the examples, and their order."""

    def __post_init__(self) -> None:
        LabelTemplate(template=self.template)
        _check_labels(self.labels)
        if self.scoring == "pmi" and self.calibrate:
            raise ConfigError("--calibrate does not go with --scoring pmi, which is measured against no text already")
        if self.shots is not None and self.examples is None:
            raise ConfigError("--shots needs --examples FILE")
        if self.shots is not None and self.shots < 1:
            raise ConfigError(f"--shots must be at least 1, not {self.shots}")
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"--seed must be at least 0 and below 2**64, not {self.seed}")

    @property
    def calibrated(self) -> bool:
        """Return whether probabilities are calibrated."""
        return self.scoring != "pmi" if self.calibrate is None else self.calibrate

    @property
    def names(self) -> tuple[str, ...]:
        """Return the labels as they are given to rows."""
        return tuple(label.name for label in self.labels)


def labels_of(text: str) -> tuple[LabelText, ...]:
    """Return the labels of --labels, parted by commas; raises ConfigError."""
    names = [name.strip() for name in text.split(",")]
    if "" in names:
        raise ConfigError(f"--labels {text!r} has an empty label: write names parted by commas")
    return tuple(LabelText(name=name, text=name) for name in names)


def _check_labels(labels: tuple[LabelText, ...]) -> None:
    """Raise ConfigError for fewer than two labels, and for two that are the same."""
    if len(labels) < 2:
        told = f"there is one, {labels[0].name}" if labels else "there is none"
        raise ConfigError(f"--labels needs two labels or more to choose from: {told}")
    names = [label.name for label in labels]
    if "" in names:
        raise ConfigError("--labels has a label without a name")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"--labels has the label {twice} more than once")
    texts: dict[str, str] = {}
    for label in labels:
        if not label.text.strip():
            raise ConfigError(f"the label {label.name} has no text for the prompt: describe it, or leave the tab out")
        other = texts.setdefault(label.text.strip(), label.name)
        if other != label.name:
            raise ConfigError(
                f"the labels {other} and {label.name} have the same description: they cannot be told apart"
            )
