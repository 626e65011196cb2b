"""Figures of classes, against scikit-learn and answers written out."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from gptcli.evaluation.classification import (
    CALIBRATION_BINS,
    auroc,
    brier_score,
    calibration_bins,
    classification_report,
    expected_calibration_error,
)

CLASSES = 4
numbers = st.integers(0, CLASSES - 1)
rows_of_classes = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=60)


def random_rows(rows, classes, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, classes, rows), generator.dirichlet(np.ones(classes), rows)


@given(rows_of_classes)
def test_figures_equal_scikit_learns(rows):
    true, predicted = np.array(rows).T
    report = classification_report(true, predicted, classes=CLASSES)
    assert np.array_equal(report.confusion, metrics.confusion_matrix(true, predicted, labels=range(CLASSES)))
    columns = metrics.precision_recall_fscore_support(true, predicted, labels=range(CLASSES), zero_division=0)
    ours = [(score.precision, score.recall, score.f1, score.support) for score in report.classes]
    assert np.allclose(ours, np.transpose(columns))
    assert report.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    for average, figure in (("macro", report.macro_f1), ("weighted", report.weighted_f1)):
        assert figure == pytest.approx(metrics.f1_score(true, predicted, average=average, zero_division=0))
    if len(set(true) | set(predicted)) > 1:  # of one class alone scikit-learn warns
        assert report.matthews == pytest.approx(metrics.matthews_corrcoef(true, predicted))
    assert (report.calibration_error, report.brier, report.auroc) == (None, None, None)


def test_a_small_table_is_as_worked_out_by_hand():
    report = classification_report([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0], classes=3)
    assert report.confusion == ((2, 1, 0), (1, 2, 0), (0, 0, 0))
    assert report.rows == 6
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.macro_f1 == pytest.approx(2 / 3)  # the third class, which no row has or was given, does not count
    assert report.matthews == pytest.approx(1 / 3)
    assert report.classes[2].f1 == report.classes[2].support == 0


def test_no_rows_tell_nothing():
    report = classification_report([], [], classes=2, probabilities=[])
    assert (report.rows, report.confusion) == (0, ((0, 0), (0, 0)))
    figures = ["accuracy", "macro_f1", "weighted_f1", "matthews", "calibration_error", "brier", "auroc"]
    assert all(isnan(getattr(report, figure)) for figure in figures)


def test_one_class_alone_has_no_correlation_and_no_auroc():
    report = classification_report([1, 1], [1, 1], classes=2, probabilities=[[0.2, 0.8], [0.4, 0.6]])
    assert (report.accuracy, report.macro_f1, report.matthews) == (1, 1, 0)
    assert isnan(report.auroc)
    assert report.brier == pytest.approx((0.08 + 0.32) / 2)
    assert report.calibration_error == pytest.approx((0.2 + 0.4) / 2)


def test_matthews_of_very_many_rows_does_not_run_over():
    true = np.repeat([0, 1], 300_000)
    predicted = np.roll(true, 60_000)
    assert classification_report(true, predicted, classes=2).matthews == pytest.approx(0.6)


@pytest.mark.parametrize(("true", "predicted"), [([0, 2], [0, 1]), ([0, -1], [0, 1]), ([0], [0, 1])])
def test_what_is_no_class_of_these_is_refused(true, predicted):
    with pytest.raises(ValueError, match="class"):
        classification_report(true, predicted, classes=2)


@pytest.mark.parametrize("classes", [2, 5])
def test_brier_equals_scikit_learns(classes):
    true, probabilities = random_rows(300, classes)
    wanted = metrics.brier_score_loss(true, probabilities, labels=range(classes), scale_by_half=False)
    before = probabilities.copy()
    assert brier_score(true, probabilities) == pytest.approx(wanted)
    assert np.array_equal(probabilities, before)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_auroc_counts_ties_as_scikit_learn_does(rows):
    positive, scores = np.array([row[0] for row in rows]), np.array([row[1] / 5 for row in rows])
    if positive.all() or not positive.any():
        assert isnan(auroc(positive, scores))
    else:
        assert auroc(positive, scores) == pytest.approx(metrics.roc_auc_score(positive, scores))


def test_auroc_is_of_the_second_of_two_classes():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    assert classification_report([0, 0, 1, 1], [0] * 4, classes=2, probabilities=probabilities).auroc == 0.75
    three = np.full((2, 3), 1 / 3)
    assert classification_report([0, 1], [0, 1], classes=3, probabilities=three).auroc is None
    assert isnan(auroc(np.array([True, False]), np.array([nan, 0.5])))


def test_calibration_error_is_as_defined():
    generator = np.random.default_rng(3)
    confidence, correct = generator.random(1000), generator.random(1000) < 0.5
    wanted = 0.0
    for m in range(CALIBRATION_BINS):  # the definition, a bin at a time
        here = (confidence > m / CALIBRATION_BINS) & (confidence <= (m + 1) / CALIBRATION_BINS)
        wanted += here.sum() / 1000 * abs(correct[here].mean() - confidence[here].mean())
    assert expected_calibration_error(calibration_bins(confidence, correct)) == pytest.approx(wanted)


def test_a_confidence_on_an_edge_is_in_the_bin_below_it():
    edges = np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS
    bins = calibration_bins(edges, np.ones(CALIBRATION_BINS + 1, dtype=bool))
    assert [each.rows for each in bins] == [2] + [1] * (CALIBRATION_BINS - 1)
    assert bins[-1].confidence == 1
    assert isnan(calibration_bins(np.array([0.5]), np.array([True]))[0].accuracy)


def test_sure_and_right_is_perfectly_calibrated():
    report = classification_report([0, 1], [0, 1], classes=2, probabilities=np.eye(2))
    assert (report.calibration_error, report.brier, report.auroc) == (0, 0, 1)


def test_confidence_is_in_the_class_that_was_given_even_if_it_is_not_the_likeliest():
    report = classification_report([1], [1], classes=2, probabilities=[[0.7, 0.3]])
    assert report.calibration_error == pytest.approx(0.7)
