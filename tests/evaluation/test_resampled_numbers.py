"""Correlations of many resamples at once: each is the report's of the rows drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.evaluation.regression import regression_report
from gptcli.evaluation.resampled_numbers import number_statistics


@given(st.integers(2, 40), st.integers(0, 2**32))
def test_figures_are_those_of_the_rows_drawn(rows, seed):
    generator = np.random.default_rng(seed)
    true = generator.normal(3, 2, rows).round(1)  # with ties
    predicted = true + generator.normal(0, 1, rows).round(1)
    drawn = generator.integers(0, rows, (6, rows))
    for found, numbers in zip(number_statistics(true, predicted)(drawn).T, drawn, strict=True):
        report = regression_report(true[numbers], predicted[numbers])
        assert found == pytest.approx([report.r2, report.pearson, report.spearman], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("shift", [0, 1e6])
def test_numbers_far_from_zero_lose_nothing(shift):
    generator = np.random.default_rng(0)
    true = generator.normal(0, 1, 50)
    predicted = true + generator.normal(0, 1, 50)
    whole = np.arange(50)[None]
    near = number_statistics(true, predicted)(whole)
    assert number_statistics(true + shift, predicted + shift)(whole) == pytest.approx(near, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_one_value_alone_tells_nothing(value):
    true, predicted = np.full(5, value), np.arange(5.0)
    assert np.isnan(number_statistics(true, predicted)(np.arange(5)[None])).all()
    assert np.isnan(number_statistics(predicted, true)(np.arange(5)[None])[1:]).all()
    assert np.isnan(number_statistics(true[:0], predicted[:0])(np.zeros((2, 0), np.int64))).all()
