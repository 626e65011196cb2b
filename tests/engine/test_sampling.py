"""The sampler draws from the exact distribution that transformers' own processors define."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from transformers import GenerationConfig, LogitsProcessorList
from transformers.generation import logits_process as theirs

from gptcli.engine.backend import Logits
from gptcli.engine.noise import gumbel, stream_key
from gptcli.engine.options import SamplingOptions
from gptcli.engine.processors import penalize_repetition
from gptcli.engine.sampling import Sampler

VOCABULARY = 12
DRAWS = 20_000
LEAST_P_VALUE = 1e-4
"""The draws are seeded, so the suite never fails by chance; a wrong distribution gives a p-value near zero."""
TOKENS = [3, 7, 3]
LOGITS = np.random.default_rng(5).normal(0, 1.5, VOCABULARY).astype(np.float32)

CASES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "plain": ({"top_k": 0}, []),
    "temperature": ({"top_k": 0, "temperature": 0.6}, [theirs.TemperatureLogitsWarper(0.6)]),
    "high temperature": ({"top_k": 0, "temperature": 3.0}, [theirs.TemperatureLogitsWarper(3.0)]),
    "top-k": ({"top_k": 4}, [theirs.TopKLogitsWarper(4)]),
    "top-p": ({"top_k": 0, "top_p": 0.7}, [theirs.TopPLogitsWarper(0.7)]),
    "min-p": ({"top_k": 0, "min_p": 0.2}, [theirs.MinPLogitsWarper(0.2)]),
    "repetition penalty": (
        {"top_k": 0, "repetition_penalty": 1.8},
        [theirs.RepetitionPenaltyLogitsProcessor(1.8)],
    ),
    "all of them": (
        {"top_k": 8, "top_p": 0.9, "min_p": 0.05, "temperature": 1.4, "repetition_penalty": 1.3},
        [
            theirs.RepetitionPenaltyLogitsProcessor(1.3),
            theirs.TemperatureLogitsWarper(1.4),
            theirs.TopKLogitsWarper(8),
            theirs.TopPLogitsWarper(0.9),
            theirs.MinPLogitsWarper(0.05),
        ],
    ),
}


class _Context:
    """A choice with its own noise."""

    tokens = TOKENS
    new_tokens = 1
    written = b""

    def __init__(self, draw: int) -> None:
        self.noise_key = stream_key(1, draw, 0, 0)


def _draws(options: SamplingOptions, logits: np.ndarray) -> np.ndarray:
    order = np.argsort(-logits)
    sampler = Sampler(options=options, eos_token_ids=(), ban=None)
    many = np.tile(logits, (DRAWS, 1))
    given = Logits(
        values=many,
        top_values=np.tile(logits[order], (DRAWS, 1))[:, : max(sampler.top, 1)],
        top_ids=np.tile(order, (DRAWS, 1))[:, : max(sampler.top, 1)],
        logsumexp=np.logaddexp.reduce(many, axis=1),
    )
    chosen = sampler.choose(given, range(DRAWS), [_Context(draw) for draw in range(DRAWS)])
    return np.bincount(chosen, minlength=len(logits))


@pytest.mark.parametrize("case", CASES)
def test_draws_follow_the_distribution_of_transformers(case: str) -> None:
    options, processors = CASES[case]
    scores = LogitsProcessorList(processors)(torch.tensor([TOKENS]), torch.tensor(LOGITS[None].copy()))
    expected = torch.softmax(scores.double(), dim=-1)[0].numpy()
    counts = _draws(SamplingOptions(**options), LOGITS)
    possible = expected > 0
    assert counts[~possible].sum() == 0
    assert chisquare(counts[possible], expected[possible] * DRAWS).pvalue > LEAST_P_VALUE


def test_the_defaults_are_those_that_transformers_falls_back_to() -> None:
    options = SamplingOptions()
    defaults = GenerationConfig._get_default_generation_params()
    for name in ("temperature", "top_k", "top_p", "repetition_penalty", "num_beams", "length_penalty"):
        assert getattr(options, name) == defaults[name]


def test_noise_is_gumbel_distributed_and_independent_between_tokens() -> None:
    keys = np.array([stream_key(7, row, 0, 0) for row in range(400)], np.uint64)
    noise = gumbel(keys, np.tile(np.arange(500), (400, 1)))
    uniform = np.exp(-np.exp(-noise))
    counts = np.histogram(uniform, bins=50, range=(0, 1))[0]
    assert chisquare(counts).pvalue > LEAST_P_VALUE
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.2
    assert abs(np.corrcoef(noise[0], noise[1])[0, 1]) < 0.2


def test_noise_of_a_token_does_not_depend_on_which_others_are_candidates() -> None:
    key = np.array([stream_key(1, 2, 3, 4)], np.uint64)
    everything = gumbel(key, np.arange(100)[None])
    some = gumbel(key, np.array([[42, 7, 99]]))
    assert some[0].tolist() == everything[0, [42, 7, 99]].tolist()


@pytest.mark.parametrize("penalty", [5e-324, 1e-40, 1e30, 1e300])
def test_a_penalty_beyond_all_measure_forces_or_forbids_what_was_seen_and_leaves_numbers(penalty: float) -> None:
    logits = np.array([3.0, 2.0, -1.0, 0.0, 1.0], np.float32)
    penalize_repetition(logits, [0, 1, 2, 3], penalty)
    assert not np.isnan(logits).any()
    assert logits.max() < np.inf
    assert np.argmax(logits) == (0 if penalty < 1 else 4)


def test_ties_at_the_edge_of_top_k_are_all_kept_as_in_transformers() -> None:
    tied = np.array([2.0, 1.0, 1.0, 1.0, 0.0], np.float32)
    options = SamplingOptions(top_k=2, logit_bias=((4, 0.0),))  # a bias, so that the whole row is looked at
    counts = _draws(options, tied)
    assert (counts[:4] > 0).all()
    assert counts[4] == 0
