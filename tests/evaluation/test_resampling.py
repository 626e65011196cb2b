"""Intervals and comparisons, against scipy's and against what they promise."""

import tracemalloc
from dataclasses import replace
from math import exp, inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gptcli.evaluation import resampling
from gptcli.evaluation.resampling import (
    Bootstrap,
    compare,
    drawn_counts,
    drawn_sums,
    mean_interval,
    ratio_interval,
    sign_test,
    statistic_intervals,
)

MANY = Bootstrap(resamples=20_000, seed=1)
FEW = Bootstrap(resamples=200)


def skewed_documents(rows=40, seed=5):
    """Return nats and tokens of documents, a few so hard that a percentile interval is far from BCa's."""
    generator = np.random.default_rng(seed)
    tokens = generator.geometric(0.02, rows).astype(float)
    return tokens * generator.lognormal(0, 1.5, rows), tokens


def ratio(numerators, denominators, axis=-1):
    return numerators.sum(axis) / denominators.sum(axis)


def test_the_interval_of_a_ratio_is_scipys():
    nats, tokens = skewed_documents()
    ours = ratio_interval(nats, tokens, MANY)
    theirs = stats.bootstrap((nats, tokens), ratio, paired=True, n_resamples=20_000, method="BCa", rng=2)
    low, high = theirs.confidence_interval
    assert ours.value == pytest.approx(nats.sum() / tokens.sum())
    assert ours.low == pytest.approx(low, abs=0.08 * (high - low))
    assert ours.high == pytest.approx(high, abs=0.08 * (high - low))
    assert (ours.rows, ours.method) == (40, "bca")


def test_resamples_equal_to_the_figure_are_half_below_it():
    correct = np.repeat([0.0, 1.0], [6, 24])  # a fifth of all resamples have the very same accuracy
    ours = mean_interval(correct, MANY)
    theirs = stats.bootstrap((correct,), np.mean, n_resamples=20_000, method="BCa", rng=2).confidence_interval
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_the_interval_of_any_statistic_is_scipys():
    values = np.random.default_rng(0).exponential(1, 50)
    (ours,) = statistic_intervals(
        lambda drawn: np.median(values[drawn], axis=1)[None], rows=50, bootstrap=replace(MANY, seed=3)
    )
    theirs = stats.bootstrap((values,), np.median, n_resamples=20_000, method="percentile", rng=2)
    low, high = theirs.confidence_interval
    assert ours.value == np.median(values)
    assert ours.low == pytest.approx(low, abs=0.05 * (high - low))
    assert ours.high == pytest.approx(high, abs=0.05 * (high - low))
    assert ours.method == "percentile"


def test_about_95_of_100_intervals_hold_the_truth():
    generator = np.random.default_rng(11)
    intervals = [mean_interval(generator.exponential(1, 40), Bootstrap(resamples=500, seed=s)) for s in range(400)]
    held = sum(each.low <= 1 <= each.high for each in intervals) / 400
    assert 0.91 <= held <= 0.97  # of 40 skewed rows a little fewer than promised; 1 % of chance is 0.03


def test_the_same_seed_gives_the_same_interval_however_it_is_cut(monkeypatch):
    nats, tokens = skewed_documents(rows=37)
    whole = ratio_interval(nats, tokens, FEW)
    assert ratio_interval(nats, tokens, replace(FEW, seed=1)) != whole
    for elements in (1, 100, 37 * 3):
        monkeypatch.setattr(resampling, "CHUNK_ELEMENTS", elements)
        assert ratio_interval(nats, tokens, FEW) == whole


def test_every_figure_of_a_seed_sees_the_same_rows():
    values = np.random.default_rng(0).random(31)
    seen = []

    def mean(drawn):
        seen.extend(values[drawn].mean(1))
        return drawn_sums(values[None], drawn) / 31

    statistic_intervals(mean, rows=31, bootstrap=FEW)
    sums = resampling._resampled_sums(values[None], FEW)[0]
    assert np.allclose(seen[1:], sums / 31)


def test_several_figures_are_resampled_together():
    codes = np.random.default_rng(0).integers(0, 3, 40)

    def shares(drawn):
        return drawn_counts(codes, drawn, size=4).T / 40

    intervals = statistic_intervals(shares, rows=40, bootstrap=FEW)
    assert [each.value for each in intervals] == [*(np.mean(codes == code) for code in range(3)), 0]
    alone = statistic_intervals(lambda drawn: shares(drawn)[1:2], rows=40, bootstrap=FEW)
    assert alone == intervals[1:2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.integers(0, 2**32))
def test_sums_over_drawn_rows_are_those_of_the_rows(values, seed):
    drawn = np.random.default_rng(seed).integers(0, len(values), (5, 7))
    columns = np.array([values, np.ones(len(values))])
    assert np.allclose(drawn_sums(columns, drawn), columns[:, drawn].sum(2))


def test_memory_does_not_grow_with_the_resamples():
    values = np.random.default_rng(0).random(100_000)
    tracemalloc.start()
    mean_interval(values, Bootstrap(resamples=30))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16e6, "30 resamples at once would be 24 MB for the row numbers alone"


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 9)), min_size=2, max_size=12))
def test_any_rows_have_ordered_ends_or_none(rows):
    numerators, denominators = np.array(rows).T
    interval = ratio_interval(numerators, denominators, Bootstrap(resamples=50))
    if denominators.sum() == 0:
        assert isnan(interval.value)
        assert isnan(interval.low)
    else:
        assert interval.low < interval.high or isnan(interval.low)


@pytest.mark.parametrize("value", [1.0, 0.0, 0.1, 1e9 / 3])
def test_rows_that_are_all_alike_cannot_tell_how_sure_a_figure_is(value):
    weights = np.arange(1.0, 21)  # ratios of such sums are off by rounding
    for interval in (mean_interval(np.full(20, value), FEW), ratio_interval(value * weights, weights, FEW)):
        assert interval.value == pytest.approx(value)
        assert isnan(interval.low)
        assert isnan(interval.high)


@pytest.mark.parametrize(
    ("values", "value"), [([], nan), ([3.0], 3), ([1, nan], nan), ([1, inf], inf), ([inf, -inf], nan)]
)
def test_what_has_no_interval_says_so(values, value):
    interval = mean_interval(values, FEW)
    assert interval.value == pytest.approx(value, nan_ok=True)
    assert isnan(interval.low)
    assert isnan(interval.high)
    assert interval.rows == len(values)
    (other,) = statistic_intervals(lambda drawn: np.full((1, len(drawn)), value), rows=len(values), bootstrap=FEW)
    assert other.value == pytest.approx(value, nan_ok=True)
    assert isnan(other.low)
    assert isnan(other.high)


def test_resamples_without_a_figure_do_not_count():
    interval = ratio_interval([2, 0, 0], [1, 0, 0], FEW)
    assert interval.value == 2
    assert isnan(interval.low)

    def where(found):
        return np.where(found, 1.0, nan)[None]

    seen = np.where([True, False, False], 2.0, 0.0)
    (some,) = statistic_intervals(lambda drawn: where((drawn == 0).any(1)) * seen[drawn].sum(1), rows=3, bootstrap=FEW)
    assert (some.low, some.high) == (2, 6)
    (none,) = statistic_intervals(lambda drawn: where((drawn == np.arange(8)).all(1)), rows=8, bootstrap=FEW)
    assert isnan(none.low)


@pytest.mark.parametrize("bad", [-1, nan])
def test_a_denominator_that_is_no_count_is_refused(bad):
    with pytest.raises(ValueError, match="negative or nan"):
        ratio_interval([1, 2], [1, bad], FEW)


def test_an_interval_can_be_mapped():
    interval = mean_interval([1, 2, 3, 4], FEW)
    assert interval.mapped(exp).high == exp(interval.high)
    assert interval.mapped(exp).rows == 4


def test_models_are_compared_row_by_row():
    generator = np.random.default_rng(2)
    hard = generator.gamma(2, 10, 200)  # what makes rows hard is the same for both, and drops out
    first, second = hard + generator.normal(0, 0.1, 200), hard + 0.1 + generator.normal(0, 0.1, 200)
    comparison = compare(first, second, better="lower", bootstrap=FEW)
    assert comparison.difference.value == pytest.approx((first - second).mean())
    assert -0.14 < comparison.difference.low < -0.1 < comparison.difference.high < -0.06
    assert (comparison.wins, comparison.losses) == (np.sum(first < second), np.sum(first > second))
    assert comparison.sign_test < 1e-6


def test_higher_or_lower_is_better_and_equal_rows_tie():
    rows = {"first": [1, 2, 3, 4], "second": [1, 1, 4, 2], "bootstrap": FEW}
    up, down = compare(**rows, better="higher"), compare(**rows, better="lower")
    assert (up.wins, up.ties, up.losses) == (2, 1, 1)
    assert (down.wins, down.ties, down.losses) == (1, 1, 2)
    assert up.difference == down.difference
    weighted = compare(**rows, better="lower", denominators=[1, 1, 1, 5])
    assert weighted.difference.value == 2 / 8


def test_a_model_does_not_differ_from_itself():
    comparison = compare([1.5, inf], [1.5, inf], better="lower", bootstrap=FEW)
    assert (comparison.wins, comparison.ties, comparison.losses, comparison.sign_test) == (0, 2, 0, 1)
    same = compare([1.5, 2], [1.5, 2], better="lower", bootstrap=FEW).difference
    assert same.value == 0
    assert isnan(same.low)


def test_models_with_other_rows_cannot_be_compared():
    with pytest.raises(ValueError, match="2 rows of the first, 1 of the second"):
        compare([1, 2], [1], better="lower", bootstrap=FEW)


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_sign_test_is_scipys(wins, losses):
    wanted = stats.binomtest(wins, wins + losses, 0.5).pvalue if wins + losses else 1
    assert sign_test(wins, losses) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("wins", "losses"), [(50_400, 49_600), (0, 5000), (100_000, 0)])
def test_the_sign_test_holds_for_very_many_rows(wins, losses):
    assert sign_test(wins, losses) == pytest.approx(stats.binomtest(wins, wins + losses).pvalue, rel=1e-8, abs=1e-300)
