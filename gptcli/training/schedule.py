"""The learning rate over a run, as a factor of its highest value."""

import math

from gptcli.training.options import Schedule

DECAY_SHARE = 0.2
"""Last part of a wsd run, in which the rate falls: a fifth, as Hu et al. (2024) found enough."""


def lr_factor(schedule: Schedule, warmup: float, *, step: int, before: float, after: float) -> float:
    """Return the factor for a step, from 1, that takes the run from one part done to another (0 to 1).

    warmup is a part of the run below 1, else steps; over it the factor rises in a line.
    """
    risen = min(1.0, step / warmup) if warmup >= 1 else min(1.0, after / warmup) if warmup else 1.0
    if risen < 1:
        return risen
    begin = warmup if warmup < 1 else 0.0
    done = min(1.0, max(0.0, (before - begin) / (1 - begin)))
    match schedule:
        case "linear":
            return 1 - done
        case "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        case "wsd":
            return min(1.0, (1 - before) / DECAY_SHARE)
        case "constant":
            return 1.0
