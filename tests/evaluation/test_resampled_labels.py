"""Figures of many resamples at once: each is the report's of the rows drawn, and scikit-learn's."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.classification import classification_report
from gptcli.evaluation.multilabel import multilabel_report
from gptcli.evaluation.resampled_labels import (
    auroc_statistics,
    calibration_statistics,
    class_statistics,
    difference,
    joined,
    label_set_statistics,
)
from gptcli.evaluation.resampling import statistic_intervals

CLASSES = 3
rows_of_classes = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=30)
seeds = st.integers(0, 2**32)


def drawn_of(rows, seed, resamples=6):
    return np.random.default_rng(seed).integers(0, rows, (resamples, rows))


def two_classes(rows=60, seed=0, places=1):
    """Return rows of two classes and the second one's probability, with ties."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 2, rows)
    return true, np.clip(0.3 * true + 0.7 * generator.random(rows), 0, 1).round(places)


@given(rows_of_classes, seeds)
def test_f1_and_matthews_are_those_of_the_rows_drawn(rows, seed):
    true, predicted = np.array(rows).T
    drawn = drawn_of(len(rows), seed)
    for found, numbers in zip(class_statistics(true, predicted, classes=CLASSES)(drawn).T, drawn, strict=True):
        report = classification_report(true[numbers], predicted[numbers], classes=CLASSES)
        assert found == pytest.approx([report.macro_f1, report.weighted_f1, report.matthews], abs=1e-12)


@given(seeds)
def test_calibration_and_auroc_are_those_of_the_rows_drawn(seed):
    true, scores = two_classes(seed=seed)
    probabilities = np.stack([1 - scores, scores], axis=1)
    predicted = probabilities.argmax(1)
    figures = joined(calibration_statistics(probabilities.max(1), predicted == true), auroc_statistics(true, scores))
    drawn = drawn_of(len(true), seed)
    for found, numbers in zip(figures(drawn).T, drawn, strict=True):
        report = classification_report(
            true[numbers], predicted[numbers], classes=2, probabilities=probabilities[numbers]
        )
        assert found == pytest.approx([report.calibration_error, report.auroc], abs=1e-12)
        assert found[1] == pytest.approx(metrics.roc_auc_score(true[numbers], scores[numbers]))


def test_auroc_passes_over_other_classes_and_is_nan_of_one_alone():
    true, scores = np.array([0, 1, 2, 0, 1]), np.array([0.2, 0.9, 0.95, 0.6, 0.5])
    values = auroc_statistics(true, scores)(np.array([[0, 1, 2, 3, 4], [0, 0, 3, 3, 2]]))[0]
    assert values[0] == metrics.roc_auc_score([0, 1, 0, 1], [0.2, 0.9, 0.6, 0.5])
    assert isnan(values[1])


@given(st.lists(st.tuples(*[st.booleans()] * 6), min_size=1, max_size=20), seeds)
def test_f1_of_several_labels_is_that_of_the_rows_drawn(rows, seed):
    true, predicted = np.split(np.array(rows), 2, axis=1)
    drawn = drawn_of(len(rows), seed)
    for found, numbers in zip(label_set_statistics(true, predicted)(drawn).T, drawn, strict=True):
        report = multilabel_report(true[numbers], predicted[numbers])
        assert found == pytest.approx([report.micro_f1, report.macro_f1], abs=1e-12)


@given(rows_of_classes.filter(lambda rows: len(rows) > 1), st.randoms(use_true_random=False))
def test_a_figure_is_the_same_in_any_order_of_rows_and_inside_its_interval_or_near(rows, random):
    bootstrap = Bootstrap(resamples=200)
    shuffled = random.sample(rows, len(rows))
    found = []
    for order in (rows, shuffled):
        true, predicted = np.array(order).T
        figures = class_statistics(true, predicted, classes=CLASSES)
        found.append(statistic_intervals(figures, rows=len(rows), bootstrap=bootstrap))
    for one, other in zip(*found, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-12)
        assert one.low < one.high or isnan(one.low)


def test_the_interval_of_a_hundred_rows_holds_the_figure():
    true, scores = two_classes(rows=100, places=3)
    predicted = (scores > 0.5).astype(int)
    for each in statistic_intervals(
        joined(class_statistics(true, predicted, classes=2), auroc_statistics(true, scores)),
        rows=100,
        bootstrap=Bootstrap(resamples=500),
    ):
        assert each.low < each.value < each.high


def test_a_model_does_not_differ_from_itself():
    true, scores = two_classes()
    figures = auroc_statistics(true, scores)
    (same,) = statistic_intervals(difference(figures, figures), rows=60, bootstrap=Bootstrap(resamples=100))
    assert same.value == 0
    assert isnan(same.low)


def test_no_rows_tell_nothing():
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    figures = joined(
        class_statistics(none, none, classes=2),
        calibration_statistics(nothing, nothing > 0),
        auroc_statistics(none, nothing),
        label_set_statistics(np.zeros((0, 2), bool), np.zeros((0, 2), bool)),
    )
    assert np.isnan(figures(np.zeros((1, 0), np.int64))).all()
