"""Refuse options of labels: values that cannot be, and what a kind of label has no use for; imports nothing heavy."""

from collections.abc import Mapping
from types import MappingProxyType

from gptcli.data.labels import LabelKind
from gptcli.errors import ConfigError
from gptcli.tasks.labelling.options import LabelOptions

GIVES: Mapping[LabelKind, str] = MappingProxyType(
    {
        "single": "gives each text one class",
        "multi": "gives each text any number of labels",
        "regression": "gives each text a number",
    }
)
"""What a model does whose labels are of a kind."""
_USEFUL_FOR: Mapping[str, LabelKind] = MappingProxyType(
    {
        "--top": "single",
        "--min-prob": "single",
        "--plot": "single",
        "--threshold": "multi",
        "--label-separator": "multi",
    }
)


def require_probability(option: str, value: float | None) -> None:
    """Raise ConfigError for what is no probability."""
    if value is not None and not 0 <= value <= 1:
        raise ConfigError(f"{option} must be between 0 and 1, not {value:g}")


def require_label_set_options(threshold: float | None, separator: str | None, labels: LabelOptions | None) -> None:
    """Raise ConfigError for a threshold or separator that cannot be, or that stands beside labels in words."""
    require_probability("--threshold", threshold)
    if separator is not None and not separator.strip(" "):
        raise ConfigError("--label-separator must not be empty")
    for option, value in (("--threshold", threshold), ("--label-separator", separator)):
        if value is not None and labels is not None:
            raise ConfigError(f"{option} cannot apply: each text is given one of --labels")


def refuse_idle_options(given: Mapping[str, object], kind: LabelKind, model: str) -> None:
    """Raise ConfigError for an option whose value is not None and that the labels of a model have no use for."""
    for option, value in given.items():
        if value is not None and _USEFUL_FOR[option] != kind:
            raise ConfigError(f"{option} cannot apply: {model} {GIVES[kind]}")
