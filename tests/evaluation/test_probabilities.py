"""From logits to probabilities, and from windows to one answer."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from gptcli.evaluation.probabilities import pooled, probabilities

LOGITS = np.array([[1.0, -2.0, 0.5], [800.0, -800.0, 0.0]], np.float32)


def test_classes_that_exclude_each_other_share_one_probability_however_large_their_logits() -> None:
    np.testing.assert_allclose(probabilities(LOGITS, "single"), softmax(LOGITS.astype(float), axis=-1), atol=1e-12)


def test_labels_that_do_not_each_have_their_own() -> None:
    np.testing.assert_allclose(probabilities(LOGITS, "multi"), expit(LOGITS.astype(float)), atol=1e-12)


def test_a_regression_is_the_number_itself() -> None:
    assert probabilities(np.array([[2.5]], np.float32), "regression").tolist() == [[2.5]]


WINDOWS = np.array([[0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])


def test_the_mean_of_windows_is_taken_label_by_label() -> None:
    assert pooled(WINDOWS, "single", "mean") == pytest.approx([0.4, 0.6])


def test_the_maximum_is_the_surest_window_where_classes_exclude_each_other() -> None:
    assert pooled(WINDOWS, "single", "max").tolist() == [0.1, 0.9]


def test_the_maximum_is_any_windows_where_they_do_not() -> None:
    assert pooled(WINDOWS, "multi", "max").tolist() == [0.6, 0.9]
    assert pooled(np.array([[1.0], [3.0], [2.0]]), "regression", "max").tolist() == [3.0]
