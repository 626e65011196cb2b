"""Candidates show the model's own probabilities, and keep exactly what the sampler draws from."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import chisquare
from transformers import LogitsProcessorList

from gptcli.engine.backend import Logits
from gptcli.engine.ban import BanTable
from gptcli.engine.noise import stream_key
from gptcli.engine.options import SamplingOptions
from gptcli.engine.sampling import Sampler
from gptcli.errors import ModelError
from gptcli.explaining.candidates import Candidates, candidates
from gptcli.explaining.distribution import likeliest
from tests.engine.test_sampling import CASES, LEAST_P_VALUE, LOGITS, TOKENS

DRAWS = 400
OPTIONS = st.builds(
    SamplingOptions,
    temperature=st.sampled_from([0, 1e-9, 0.3, 1.0, 2.5]),
    top_k=st.integers(0, 14),
    top_p=st.sampled_from([0.1, 0.6, 0.9, 1.0]),
    min_p=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.7, 0.5]),
    no_repeat_ngram_size=st.sampled_from([0, 0, 1, 2]),
    min_new_tokens=st.integers(0, 1),
    logit_bias=st.sampled_from([(), (), ((3, 2.5), (4, float("-inf")))]),
)
ROWS = arrays(np.float32, 12, elements=st.sampled_from([-3.0, -1.0, 0.0, 0.25, 1.0, 4.0]))
HISTORIES = st.lists(st.integers(0, 11), min_size=1, max_size=8)


class _Choice:
    """A first choice with its own noise."""

    new_tokens = 0
    written = b""

    def __init__(self, tokens: list[int], draw: int) -> None:
        self.tokens = tokens
        self.noise_key = stream_key(0, draw, 0, 0)


def draws(sampler: Sampler, row: NDArray[np.float32], history: list[int], count: int = DRAWS) -> NDArray[np.int64]:
    """Return how often each token is drawn."""
    best = likeliest(row, sampler.top)
    logits = Logits(
        values=np.tile(row, (count, 1)),
        top_values=np.tile(row[best], (count, 1)),
        top_ids=np.tile(best, (count, 1)),
        logsumexp=np.zeros(count, np.float32),
    )
    chosen = sampler.choose(logits, range(count), [_Choice(history, draw) for draw in range(count)])
    return np.bincount(chosen, minlength=len(row))


def kept_of(found: Candidates, vocabulary: int) -> NDArray[np.float64]:
    """Return the probability of each token after the options."""
    kept = np.zeros(vocabulary)
    for each in found.candidates:
        kept[each.token] = each.kept_probability
    return kept


@pytest.mark.slow
@settings(max_examples=50)
@given(row=ROWS, options=OPTIONS, history=HISTORIES)
def test_what_is_kept_is_what_the_sampler_draws(
    row: NDArray[np.float32], options: SamplingOptions, history: list[int]
) -> None:
    sampler = Sampler(options=options, eos_token_ids=(7,), ban=None)
    found = candidates(row, sampler, history, 12)
    kept = kept_of(found, 12)
    counts = draws(sampler, row, history)
    assert found.kept >= np.count_nonzero(kept) >= np.count_nonzero(counts)
    assert not counts[kept == 0].any()
    assert counts[kept > 0.05].all()  # of 400 draws
    assert kept.sum() == pytest.approx(1)
    assert [each.token for each in found.candidates] == likeliest(row, 12).tolist()
    assert [each.probability for each in found.candidates] == pytest.approx(np.sort(softmax(row))[::-1], abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_kept_probabilities_are_those_of_transformers(case: str) -> None:
    options, processors = CASES[case]
    scores = LogitsProcessorList(processors)(torch.tensor([TOKENS]), torch.tensor(LOGITS[None].copy()))
    expected = torch.softmax(scores.double(), dim=-1)[0].numpy()
    sampler = Sampler(options=SamplingOptions(**options), eos_token_ids=(), ban=None)
    found = candidates(LOGITS, sampler, TOKENS, len(LOGITS))
    assert kept_of(found, len(LOGITS)) == pytest.approx(expected, abs=1e-6)
    assert found.kept == np.count_nonzero(expected)
    counts = draws(sampler, LOGITS, TOKENS, 5000)
    assert chisquare(counts[expected > 0], expected[expected > 0] * 5000).pvalue > LEAST_P_VALUE


@pytest.mark.parametrize("top_k", [0, 3])
def test_a_banned_text_and_an_early_end_are_not_kept(top_k: int) -> None:
    ban = BanTable([b"e"], [b"%c" % (97 + token) for token in range(12)])
    sampler = Sampler(options=SamplingOptions(top_k=top_k, min_new_tokens=1), eos_token_ids=(7,), ban=ban)
    kept = kept_of(candidates(LOGITS, sampler, [1], 12), 12)
    assert kept[4] == kept[7] == 0
    assert kept.sum() == pytest.approx(1)


def test_greedy_keeps_one_token() -> None:
    sampler = Sampler(options=SamplingOptions(temperature=0), eos_token_ids=(), ban=None)
    found = candidates(LOGITS, sampler, [1], 3)
    assert found.kept == 1
    assert [each.kept_probability for each in found.candidates] == [1, 0, 0]


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (5, 5), (1000, 12)])
def test_the_kept_are_counted_over_the_whole_vocabulary(count: int, shown: int) -> None:
    sampler = Sampler(options=SamplingOptions(top_k=0), eos_token_ids=(), ban=None)
    found = candidates(LOGITS, sampler, [1], count)
    assert len(found.candidates) == shown
    assert found.kept == 12
    probabilities = softmax(LOGITS.astype(np.float64))
    assert found.entropy == pytest.approx(-(probabilities * np.log(probabilities)).sum(), abs=1e-5)


def test_what_is_no_number_is_refused() -> None:
    damaged: Any = LOGITS.copy()
    damaged[3] = np.nan
    with pytest.raises(ModelError, match="predicts no number"):
        candidates(damaged, Sampler(options=SamplingOptions(), eos_token_ids=(), ban=None), [1], 3)
