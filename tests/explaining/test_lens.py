"""The lens looks at one position of each layer's residual stream."""

import numpy as np
import pytest
from scipy.special import softmax

from gptcli.explaining.lens import lens
from tests.explaining.fake import VOCAB, FakeInspector, trace_of

RESIDUAL = np.random.default_rng(4).normal(0, 2, (3, 5, VOCAB)).astype(np.float32)
HEADS = [np.zeros((1, 5, VOCAB), np.float32)] * 2


@pytest.mark.parametrize("position", [0, 3, 4])
def test_each_layer_predicts_from_its_own_state(position: int) -> None:
    inspector = FakeInspector(rows=RESIDUAL[0])
    layers = lens(inspector, trace_of(HEADS, HEADS, RESIDUAL), position, 2)
    assert [layer.layer for layer in layers] == [0, 1, 2]
    for layer in layers:
        expected = softmax(RESIDUAL[layer.layer, position].astype(np.float64))
        order = np.argsort(-expected)[:2]
        assert [token for token, _ in layer.top] == order.tolist()
        assert [probability for _, probability in layer.top] == pytest.approx(expected[order], abs=1e-6)
        assert layer.entropy == pytest.approx(-(expected * np.log(expected)).sum(), abs=1e-5)
