"""Distributions are scipy's to float32, and the likeliest tokens those of a full sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.special import log_softmax
from scipy.stats import entropy

from gptcli.errors import ModelError
from gptcli.explaining.distribution import distributions, likeliest

LOGITS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(-300, 300, width=32))
TIED = arrays(np.float32, st.integers(1, 30), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]))


@given(logits=LOGITS)
def test_they_are_scipys(logits: NDArray[np.float32]) -> None:
    before = logits.copy()
    found = distributions(logits)
    exact = log_softmax(logits.astype(np.float64), axis=1)
    np.testing.assert_allclose(found.logprobs, exact, atol=1e-4, rtol=1e-6)
    np.testing.assert_allclose(found.entropy, entropy(np.exp(exact), axis=1), atol=1e-4)
    assert (found.logprobs <= 0).all()
    assert np.array_equal(logits, before)


@given(values=TIED, count=st.integers(0, 40))
def test_the_likeliest_are_those_of_a_stable_sort(values: NDArray[np.float32], count: int) -> None:
    assert likeliest(values, count).tolist() == sorted(range(len(values)), key=lambda n: (-values[n], n))[:count]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ModelError, match="predicts no number"):
        distributions(np.array([[0, 1], [wrong, 0]], np.float32))
