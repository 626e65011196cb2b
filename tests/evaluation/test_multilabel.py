"""Figures of rows with many labels, against scikit-learn and answers written out."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from gptcli.evaluation.multilabel import multilabel_report

label_rows = st.lists(st.tuples(*[st.booleans()] * 6), min_size=1, max_size=30)


@given(label_rows)
def test_figures_equal_scikit_learns(rows):
    cells = np.array(rows)
    true, predicted = cells[:, :3], cells[:, 3:]
    report = multilabel_report(true, predicted)
    assert report.micro_f1 == pytest.approx(metrics.f1_score(true, predicted, average="micro", zero_division=0))
    assert report.macro_f1 == pytest.approx(metrics.f1_score(true, predicted, average="macro", zero_division=0))
    assert report.subset_accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    assert report.hamming_loss == pytest.approx(metrics.hamming_loss(true, predicted))
    columns = metrics.precision_recall_fscore_support(true, predicted, average=None, zero_division=0)
    ours = [(score.precision, score.recall, score.f1, score.support) for score in report.labels]
    assert np.allclose(ours, np.transpose(columns))


def test_a_small_table_is_as_worked_out_by_hand():
    report = multilabel_report([[1, 0], [1, 1]], [[1, 0], [0, 1]])
    assert report.rows == 2
    assert report.micro_f1 == pytest.approx(0.8)
    assert report.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert (report.subset_accuracy, report.hamming_loss) == (0.5, 0.25)


def test_no_label_anywhere_is_right_and_scores_0():
    report = multilabel_report(np.zeros((3, 2)), np.zeros((3, 2)))
    assert (report.micro_f1, report.macro_f1, report.subset_accuracy, report.hamming_loss) == (0, 0, 1, 0)


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
def test_no_cells_tell_nothing(shape):
    report = multilabel_report(np.zeros(shape), np.zeros(shape))
    assert report.rows == shape[0]
    assert all(isnan(getattr(report, name)) for name in ("micro_f1", "macro_f1", "subset_accuracy", "hamming_loss"))


def test_matrices_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        multilabel_report(np.zeros((2, 2)), np.zeros((2, 1)))
