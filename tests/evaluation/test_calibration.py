"""From the log probabilities of labels' tokens to calibrated probabilities, each formula done again by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from gptcli.evaluation.calibration import (
    against_domain,
    averaged,
    calibrated,
    content_free_prior,
    label_probabilities,
    option_mass,
    summed,
)

LOGPROBS = [np.array([-1.0, -2.0], np.float32), np.array([-2.5], np.float32)]
SCORES = st.lists(st.floats(-40, 0), min_size=2, max_size=5)


def test_a_label_scores_the_sum_or_the_mean_of_its_tokens() -> None:
    assert summed(LOGPROBS).tolist() == [-3.0, -2.5]
    assert averaged(LOGPROBS).tolist() == [-1.5, -2.5]


def test_pmi_is_the_score_less_that_of_the_prompt_without_a_text() -> None:
    assert against_domain(np.array([-3.0, -2.5]), np.array([-4.0, -1.0])).tolist() == [1.0, -1.5]


def test_the_prior_is_the_mean_of_the_probabilities_behind_inputs_that_say_nothing() -> None:
    scores = np.log([[0.8, 0.2], [0.6, 0.4], [0.7, 0.3]])
    assert content_free_prior(scores) == pytest.approx([0.7, 0.3])


def test_calibration_is_the_papers_matrix_product_over_its_sum() -> None:
    p, prior = np.array([0.6, 0.3, 0.1]), np.array([0.7, 0.2, 0.1])
    product = np.linalg.inv(np.diag(prior)) @ p  # W p + b of Zhao et al. 2021, with b = 0
    found = label_probabilities(calibrated(np.log(p), prior))
    assert found == pytest.approx(product / product.sum())
    assert found.argmax() == softmax(product).argmax() == 1


@given(scores=SCORES)
def test_what_says_nothing_is_given_every_label_alike(scores: list[float]) -> None:
    values = np.array([scores])
    found = label_probabilities(calibrated(values, content_free_prior(values)))
    assert found[0] == pytest.approx(1 / len(scores))


@given(scores=SCORES, shift=st.floats(-30, 30))
def test_probabilities_sum_to_one_and_do_not_depend_on_what_all_labels_have_in_common(
    scores: list[float], shift: float
) -> None:
    found = label_probabilities(np.array(scores))
    assert found.sum() == pytest.approx(1)
    assert label_probabilities(np.array(scores) + shift) == pytest.approx(found, abs=1e-12)


def test_a_label_that_inputs_without_content_never_get_is_no_division_by_zero() -> None:
    assert np.isfinite(label_probabilities(calibrated(np.array([-1.0, -2.0]), np.array([1.0, 0.0])))).all()


def test_the_option_mass_counts_a_first_token_once_however_many_labels_begin_with_it() -> None:
    logprobs = np.log([0.3, 0.3, 0.2]).tolist()
    assert option_mass([7, 7, 9], logprobs) == pytest.approx(0.5)
    assert option_mass([7, 8, 9], np.log([0.3, 0.3, 0.2]).tolist()) == pytest.approx(0.8)
