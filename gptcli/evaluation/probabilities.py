"""From a head's logits to probabilities, and from a long text's windows to one answer."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gptcli.data.labels import LabelKind

Values = NDArray[np.float64]
Pooling = Literal["mean", "max"]
"""What several windows of one text come to: their mean, or what the surest of them says."""


def probabilities(logits: NDArray[np.float32] | Values, kind: LabelKind) -> Values:
    """Return each label's probability, (rows, labels); of a regression the number itself."""
    values = logits.astype(np.float64)
    match kind:
        case "single":
            weights = np.exp(values - values.max(axis=-1, keepdims=True))
            return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
        case "multi":
            return np.asarray(np.exp(-np.logaddexp(0, -values)))
        case "regression":
            return values


def pooled(windows: Values, kind: LabelKind, pooling: Pooling) -> Values:
    """Return one row of windows (windows, labels).

    By max, classes that exclude each other are those of the window with the highest probability, so that they still
    sum to 1; labels that do not, and numbers, are each the highest of any window.
    """
    if pooling == "mean":
        return np.asarray(windows.mean(axis=0))
    if kind == "single":
        return np.asarray(windows[windows.max(axis=-1).argmax()])
    return np.asarray(windows.max(axis=0))
