"""Attention by hand, and maps that show a long text whole."""

import numpy as np
import pytest

from gptcli.engine.backend import Floats
from gptcli.engine.inspector import Trace
from gptcli.errors import ConfigError, ModelError
from gptcli.explaining.attention import all_heads, head_weights
from tests.explaining.fake import trace_of


def drawn(tokens: int, layers: int = 2) -> Trace:
    """Return a trace of two heads, of width 4."""
    random = np.random.default_rng(tokens)
    queries, keys = random.normal(0, 3, (2, layers, 2, tokens, 4)).astype(np.float32)
    return trace_of(list(queries), list(keys), np.zeros((layers + 1, tokens, 8), np.float32))


def by_hand(trace: Trace, layer: int, head: int) -> Floats:
    """Return the weights of a head, token by token."""
    queries, keys = trace.queries[layer][head], trace.keys[layer][head]
    weights = np.zeros((len(queries), len(queries)), np.float32)
    for row, query in enumerate(queries):
        scores = np.exp(keys[: row + 1].astype(np.float64) @ query / 2)
        weights[row, : row + 1] = scores / scores.sum()
    return weights


@pytest.mark.parametrize("tokens", [1, 2, 9])
def test_a_heads_weights_are_the_softmax_of_scaled_products(tokens: int) -> None:
    trace = drawn(tokens)
    for layer in range(2):
        for head in range(2):
            np.testing.assert_allclose(head_weights(trace, layer, head), by_hand(trace, layer, head), atol=1e-6)


def test_huge_scores_leave_numbers() -> None:
    trace = drawn(3)
    huge = trace_of([each * np.float32(1e18) for each in trace.queries], trace.keys, trace.residual)
    assert np.isfinite(huge.attention(0)).all()
    np.testing.assert_allclose(huge.attention(0).sum(axis=-1), 1)


@pytest.mark.parametrize(
    ("layer", "head", "message"),
    [
        (2, 0, "--layer must be between 0 and 1 for this model, not 2"),
        (-1, 0, "--layer must be between 0 and 1 for this model, not -1"),
        (0, 2, "--head must be between 0 and 1 for this model, not 2"),
    ],
)
def test_a_layer_or_a_head_that_is_not_there_is_refused(layer: int, head: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        head_weights(drawn(3), layer, head)


def test_a_short_text_is_shown_as_it_is() -> None:
    trace = drawn(9)
    for layer, maps in enumerate(all_heads(trace, 16)):
        assert np.array_equal(maps, trace.attention(layer))


def test_a_cell_of_a_long_text_holds_the_largest_weight_of_its_tokens() -> None:
    trace = drawn(100)
    maps = list(all_heads(trace, 30))
    assert [each.shape for each in maps] == [(2, 30, 30)] * 2
    edges = [cell * 100 // 30 for cell in range(31)]
    weights = trace.attention(1)[1]
    for row in range(30):
        for column in range(30):
            cell = weights[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
            assert maps[1][1, row, column] == cell.max()


def test_what_is_no_number_is_refused() -> None:
    trace = drawn(2)
    with pytest.raises(ModelError, match="predicts no number"):
        trace_of(trace.queries, trace.keys, np.full((3, 2, 8), np.nan, np.float32))
