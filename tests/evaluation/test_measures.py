"""Columns become figures, and two models' columns differences."""

import numpy as np
import pytest

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Mean, Metric, Ratio, Statistic
from gptcli.evaluation.resampling import compare, mean_interval, ratio_interval
from gptcli.evaluation.scores import RowScores

FEW = Bootstrap(resamples=200)
UP = Metric(name="good", title="goodness", better="higher")
DOWN = Metric(name="bad", title="badness", better="lower")


def scored(shift=0.0, rows=40):
    generator = np.random.default_rng(rows)
    columns = {"nats": generator.gamma(2, 10, rows) + shift, "tokens": generator.integers(1, 9, rows).astype(float)}
    return RowScores(index=np.arange(rows), columns=columns)


def test_a_mean_is_resampled_and_compared_as_one():
    first, second = scored(), scored(shift=1)
    (figure,) = Mean(metric=UP, column="nats").figures(first, FEW)
    assert (figure.name, figure.title, figure.better) == ("good", "goodness", "higher")
    assert figure.interval == mean_interval(first.columns["nats"], FEW)
    (difference,) = Mean(metric=DOWN, column="nats").differences(first, second, FEW)
    pair = (first.columns["nats"], second.columns["nats"])
    assert difference.comparison == compare(*pair, better="lower", bootstrap=FEW)
    assert difference.comparison.wins == 40


def test_a_ratio_is_mapped_and_its_difference_is_that_of_the_figures():
    first, second = scored(), scored(shift=1)
    measure = Ratio(metric=DOWN, numerator="nats", denominator="tokens", function=np.exp)
    (figure,) = measure.figures(first, FEW)
    (other,) = measure.figures(second, FEW)
    plain = ratio_interval(first.columns["nats"], first.columns["tokens"], FEW)
    assert figure.interval.value == pytest.approx(np.exp(plain.value))
    (difference,) = measure.differences(first, second, FEW)
    comparison = difference.comparison
    assert comparison.difference.value == pytest.approx(figure.interval.value - other.interval.value)
    assert comparison.difference.low < comparison.difference.value < comparison.difference.high < 0
    assert (comparison.wins, comparison.losses) == (40, 0)


def test_statistics_are_counted_together():
    def medians(scores):
        values = np.stack([scores.columns["nats"], -scores.columns["nats"]])
        return lambda drawn: np.median(values[:, drawn], axis=2)

    measure = Statistic(
        all_metrics=(UP, DOWN),
        statistics=medians,
        row_scores=lambda scores: (scores.columns["nats"], -scores.columns["nats"]),
    )
    first, second = scored(), scored(shift=1)
    figures = measure.figures(first, FEW)
    assert [figure.interval.value for figure in figures] == pytest.approx(
        [np.median(first.columns["nats"]), -np.median(first.columns["nats"])]
    )
    differences = measure.differences(first, second, FEW)
    assert [each.comparison.difference.value for each in differences] == pytest.approx([-1, 1])
    assert [each.comparison.losses for each in differences] == [40, 40]


def test_no_rows_have_no_figures():
    nothing = RowScores(index=np.zeros(0, np.int64), columns={"nats": np.zeros(0), "tokens": np.zeros(0)})
    measure = Ratio(metric=DOWN, numerator="nats", denominator="tokens", function=np.exp)
    (figure,) = measure.figures(nothing, FEW)
    assert np.isnan(figure.interval.value)
    (difference,) = measure.differences(nothing, nothing, FEW)
    assert np.isnan(difference.comparison.difference.value)
