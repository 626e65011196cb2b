"""How far a run is: the nearest of the limits on its epochs, steps, tokens and seconds ends it."""

import math

from gptcli.data.words import counted
from gptcli.training.checkpoints import RunState
from gptcli.training.options import TrainingOptions

_ROUNDING = 1e-9
"""Shares are sums of floats: a run that is 0.9999999999 done is done."""


class Limits:
    """What ends a run."""

    def __init__(self, options: TrainingOptions) -> None:
        self._options = options

    def progress(self, state: RunState) -> float:
        """Return the done part of the run, from 0; at 1 it is over."""
        done = max(share for share, _ in self._shares(state))
        return 1.0 if done > 1 - _ROUNDING else done

    def reason(self, state: RunState) -> str:
        """Say which limit was reached."""
        return max(self._shares(state), key=lambda pair: pair[0])[1]

    def _shares(self, state: RunState) -> list[tuple[float, str]]:
        options, shares = self._options, []
        if options.epochs is not None:
            told = f"{options.epochs:g} epoch{'' if options.epochs == 1 else 's'}"
            shares.append((state.epochs / options.epochs, told))
        if options.max_steps is not None:
            shares.append((state.step / options.max_steps, f"--max-steps {options.max_steps:,}"))
        if options.max_tokens is not None:
            shares.append((state.tokens / options.max_tokens, f"--max-tokens {options.max_tokens:,}"))
        if options.max_time is not None:
            shares.append((state.seconds / options.max_time, f"--max-time {counted(options.max_time, 'second')}"))
        return shares


def is_due(every: float, before: float, after: float, step: int) -> bool:
    """Tell whether a step is one of every so many, or of every such part of the run; the last step always is."""
    if after >= 1:
        return True
    if every >= 1:
        return step % round(every) == 0
    return math.floor(after / every + _ROUNDING) > math.floor(before / every + _ROUNDING)
