"""Refuse bounds that no figure of a task can be held to; imports nothing heavy."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from gptcli.errors import ConfigError
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.evaluators.options import TaskName

_SHARES = (
    *("accuracy", "accuracy_by_tokens", "accuracy_by_characters", "accuracy_by_bytes", "subset_accuracy"),
    *("micro_f1", "macro_f1", "weighted_f1", "auroc", "calibration_error"),
    *("exact_match", "normalized_match", "token_f1", "rouge1", "rouge2", "rougeL"),
)
_RANGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        **dict.fromkeys(_SHARES, (0, 1)),
        **dict.fromkeys(("matthews", "pearson", "spearman"), (-1, 1)),
        **dict.fromkeys(("bleu", "chrf"), (0, 100)),
        "brier": (0, 2),
    }
)
"""The least and the most that a figure can be, of those that have both."""


def require_bound(bound: Bound, task: TaskName, known: Sequence[str]) -> None:
    """Raise ConfigError for a figure that the task does not have, and for a value that it can never be."""
    name = bound.metric
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"--fail-under {name}: {hint}the figures of {task} are {', '.join(known)}")
    if name in _RANGES:
        least, most = _RANGES[name]
        if not least <= bound.value <= most:
            raise ConfigError(f"--fail-under {name}={bound.value:g}: {name} is between {least} and {most}")
