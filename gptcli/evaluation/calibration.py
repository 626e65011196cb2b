"""From the log probabilities of labels' tokens to probabilities of labels, measured against no text at all.

A language model likes some words whatever was said before. Contextual calibration (Zhao et al. 2021, "Calibrate Before
Use", equation 2) asks it for the labels behind inputs that say nothing and divides by what comes: with p_cf the mean of
those inputs' label probabilities, W = diag(p_cf)^-1, b = 0 and q = softmax(W p + b). Here q is W p over its sum: the
same order of labels, which is all that the authors' code goes by, and the softmax of a ratio could never be sure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.probabilities import Values, probabilities

CONTENT_FREE = ("N/A", "", "[MASK]")
"""Inputs that say nothing, those of Zhao et al. 2021, section 5."""

Floats = NDArray[np.float32]


def summed(logprobs: Sequence[Floats]) -> Values:
    """Return log p(label | prompt) of each label, (labels,): the sum over its tokens.

    The probability of the whole label, as lm-evaluation-harness's acc compares them: long labels are unlikely ones.
    """
    return np.array([label.sum(dtype=np.float64) for label in logprobs])


def averaged(logprobs: Sequence[Floats]) -> Values:
    """Return the mean over each label's tokens, (labels,), the normalization of Brown et al. 2020, section 2.4."""
    return np.array([label.mean(dtype=np.float64) for label in logprobs])


def against_domain(scores: Values, domain: Values) -> Values:
    """Return log p(label | prompt) - log p(label | domain), (labels,).

    Pointwise mutual information given the domain, PMI_DC of Holtzman et al. 2021 ("Surface Form Competition", equation
    2); the domain's premise is the prompt with no text in it.
    """
    return scores - domain


def content_free_prior(scores: Values) -> Values:
    """Return the label probabilities p_cf, (labels,), from the scores (inputs, labels) of content-free inputs."""
    return np.asarray(label_probabilities(scores).mean(axis=0))


def calibrated(scores: Values, prior: Values) -> Values:
    """Return scores (..., labels) whose probabilities are W p over its sum, with p the scores' and p_cf the prior."""
    return scores - np.log(np.maximum(prior, np.finfo(np.float64).tiny))


def label_probabilities(scores: Values) -> Values:
    """Return the probabilities (..., labels) of labels that exclude each other: exp(score) over its sum."""
    return probabilities(scores, "single")


def option_mass(first_tokens: Sequence[int], logprobs: Sequence[float]) -> float:
    """Return the share of the next token's probability that the labels' first tokens hold, each token counted once."""
    shares = dict(zip(first_tokens, logprobs, strict=True))
    return float(np.exp(np.array(list(shares.values()), np.float64)).sum())
