"""Where a model looks: the weights of one head, and all heads at a glance."""

from collections.abc import Iterator

import numpy as np

from gptcli.engine.backend import Floats
from gptcli.engine.inspector import Trace
from gptcli.errors import ConfigError


def head_weights(trace: Trace, layer: int, head: int) -> Floats:
    """Return how much each token attends to each in one head, (tokens, tokens); rows sum to one.

    Raises ConfigError for a layer or a head that the model does not have; both count from 0.
    """
    config = trace.config
    for option, value, count in (("--layer", layer, config.n_layer), ("--head", head, config.n_head)):
        if not 0 <= value < count:
            raise ConfigError(f"{option} must be between 0 and {count - 1} for this model, not {value}")
    weights: Floats = trace.attention(layer)[head]
    return weights


def all_heads(trace: Trace, most_cells: int) -> Iterator[Floats]:
    """Yield the weights of each layer's heads, (n_head, cells, cells), of a long text in at most so many cells a side.

    A cell holds the largest weight of its tokens: a mean would wash out the thin lines by which heads are told apart.
    """
    tokens = len(trace.hidden)
    cells = min(tokens, most_cells)
    edges = np.arange(cells) * tokens // cells
    for layer in range(trace.config.n_layer):
        weights = trace.attention(layer)
        yield np.maximum.reduceat(np.maximum.reduceat(weights, edges, axis=2), edges, axis=1)
