"""Surprisal says of each token what the prediction before it said."""

import numpy as np
import pytest
from scipy.special import log_softmax

from gptcli.explaining.surprisal import surprisals
from tests.explaining.fake import VOCAB, FakeInspector

ROWS = np.random.default_rng(3).normal(0, 2, (9, VOCAB)).astype(np.float32)
TOKENS = np.array([3, 1, 4, 1, 5, 6, 2, 0, 5], np.int32)


@pytest.mark.parametrize("start", [1, 2, 5, 8])
def test_each_token_is_scored_by_the_prediction_before_it(start: int) -> None:
    inspector = FakeInspector(rows=ROWS)
    found = list(surprisals(inspector, TOKENS, start, 3))
    assert inspector.asked == [(TOKENS[:-1].tolist(), start - 1)]
    assert [each.token for each in found] == TOKENS[start:].tolist()
    for position, each in enumerate(found, start):
        logprobs = log_softmax(ROWS[position - 1].astype(np.float64))
        order = np.argsort(-logprobs)
        assert each.logprob == pytest.approx(logprobs[each.token], abs=1e-5)
        assert order[each.rank - 1] == each.token
        assert each.entropy == pytest.approx(-(np.exp(logprobs) * logprobs).sum(), abs=1e-5)
        assert [token for token, _ in each.top] == order[:3].tolist()
        assert [logprob for _, logprob in each.top] == pytest.approx(logprobs[order[:3]], abs=1e-5)


def test_tokens_that_are_equally_likely_share_a_rank() -> None:
    inspector = FakeInspector(rows=np.zeros((1, VOCAB), np.float32))
    for token in range(VOCAB):
        (found,) = surprisals(inspector, np.array([0, token], np.int32), 1, 0)
        assert (found.rank, found.top) == (1, ())


def test_nothing_is_read_where_nothing_is_scored() -> None:
    inspector = FakeInspector(rows=ROWS)
    assert list(surprisals(inspector, TOKENS[:1], 1, 5)) == []
    assert inspector.asked == []


@pytest.mark.parametrize("start", [0, -1, 10])
def test_the_first_token_has_no_surprisal(start: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 9"):
        list(surprisals(FakeInspector(rows=ROWS), TOKENS, start, 5))


def test_more_alternatives_than_tokens_are_all_tokens() -> None:
    found = next(surprisals(FakeInspector(rows=ROWS), TOKENS, 1, 1000))
    assert sorted(token for token, _ in found.top) == list(range(VOCAB))
