"""Figures of predicted numbers, against scikit-learn and scipy."""

from dataclasses import astuple
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from gptcli.evaluation.regression import pearson, regression_report, spearman

few_values = st.integers(-3, 3).map(float)
pairs = st.lists(st.tuples(few_values, few_values), min_size=2, max_size=40)


@given(pairs)
def test_figures_equal_scikit_learns_and_scipys(rows):
    true, predicted = np.array(rows).T
    report = regression_report(true, predicted)
    assert report.rows == len(rows)
    assert report.mse == pytest.approx(metrics.mean_squared_error(true, predicted))
    assert report.rmse == pytest.approx(metrics.root_mean_squared_error(true, predicted))
    assert report.mae == pytest.approx(metrics.mean_absolute_error(true, predicted))
    if len(set(true)) == 1:
        assert isnan(report.r2)
    else:
        assert report.r2 == pytest.approx(metrics.r2_score(true, predicted))
    if len(set(true)) == 1 or len(set(predicted)) == 1:
        assert isnan(report.pearson)
        assert isnan(report.spearman)
    else:
        assert report.pearson == pytest.approx(stats.pearsonr(true, predicted).statistic, abs=1e-12)
        assert report.spearman == pytest.approx(stats.spearmanr(true, predicted).statistic, abs=1e-12)


def test_a_small_table_is_as_worked_out_by_hand():
    report = regression_report([1, 2, 3], [2, 2, 5])
    assert (report.mse, report.mae) == (5 / 3, 1)
    assert report.r2 == pytest.approx(1 - 5 / 2)
    assert report.spearman == pytest.approx(np.sqrt(3) / 2)  # of the ranks 1 2 3 and 1.5 1.5 3


def test_no_rows_tell_nothing():
    rows, *figures = astuple(regression_report([], []))
    assert rows == 0
    assert all(isnan(figure) for figure in figures)


def test_one_row_has_errors_but_no_correlation():
    report = regression_report([1], [3])
    assert (report.mse, report.rmse, report.mae) == (4, 2, 2)
    assert all(isnan(figure) for figure in (report.pearson, report.spearman, report.r2))


@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1e300])
def test_correlation_does_not_depend_on_the_scale(scale):
    first, second = np.array([1.0, 2, 4, 3]), np.array([1.0, 3, 2, 5])
    assert pearson(first * scale, second) == pytest.approx(pearson(first, second))
    assert spearman(first, second * scale) == pytest.approx(spearman(first, second))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20))
def test_any_values_correlate_with_themselves_without_a_warning(values):
    numbers = np.array(values)
    report = regression_report(numbers, numbers)
    assert report.mse == 0
    if len(set(values)) > 1:
        assert (report.pearson, report.spearman) == (pytest.approx(1), pytest.approx(1))


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=10))
def test_values_that_are_not_finite_give_figures_that_say_so(rows):
    true, predicted = np.array(rows, dtype=float).reshape(-1, 2).T
    report = regression_report(true, predicted)
    assert isnan(report.pearson) or -1 <= report.pearson <= 1


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_prediction_that_is_not_finite_has_no_correlation(bad):
    report = regression_report([1, 2], [1, bad])
    assert isnan(report.pearson)
    assert isnan(report.spearman)
    assert not np.isfinite(report.mse)


def test_columns_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        regression_report([1, 2], [1])
