"""Sums of what a model says, for each unit of a text."""

import numpy as np
import pytest

from gptcli.evaluation.tally import NO_UNIT, Tally
from gptcli.evaluation.windows import Window, sliding_windows


def tally_of(units, lengths, count):
    return Tally(np.array(units, np.int64), np.array(lengths, np.int64), count)


def window(begin, scored, end, counted=None):
    return Window(begin=begin, end=end, scored=scored, counted=end - scored if counted is None else counted)


def columns(tally, words, utf8_bytes, *, one_text):
    found = tally.columns(np.array(words, float), np.array(utf8_bytes, float), one_text=one_text)
    return {name: values.tolist() for name, values in found.items()}


def test_blocks_of_a_text_share_its_words_by_their_bytes():
    tally = tally_of([NO_UNIT, 0, 0, 1, 1], [0, 3, 1, 2, 2], 2)
    tally.add(window(0, 1, 3), np.array([-1, -2], np.float32))
    tally.add(window(1, 3, 5), np.array([-4, -8], np.float32))
    assert columns(tally, [4], [8], one_text=True) == {
        "nats": [3, 12],
        "tokens": [2, 2],
        "bytes": [4, 4],
        "counted_nats": [3, 12],
        "counted": [2, 2],
        "unscored": [0, 0],
        "words": [2, 2],
    }


def test_texts_of_a_stream_keep_their_own_words_and_what_stands_between_them_counts_for_none():
    tally = tally_of([0, 0, NO_UNIT, 1], [1, 1, 5, 4], 2)
    tally.add(window(0, 1, 4), np.array([-1, -2, -4], np.float32))
    found = columns(tally, [6, 3], [2, 4], one_text=False)
    assert found["nats"] == [1, 4]
    assert found["tokens"] == [1, 1]
    assert found["unscored"] == [1, 0]
    assert found["words"] == [3, 3], "half of the first text's bytes are scored"
    assert found["bytes"] == [1, 4]


def test_a_window_of_separators_alone_adds_nothing():
    tally = tally_of([0, NO_UNIT, NO_UNIT], [1, 1, 1], 1)
    tally.add(window(0, 1, 3), np.array([-1, -2], np.float32))
    assert columns(tally, [1], [1], one_text=True)["tokens"] == [0]


def test_a_mean_counts_for_as_many_tokens_as_its_convention_says():
    tally = tally_of([0, 0, 0, 1, 1], [1] * 5, 2)
    tally.add(window(0, 1, 5, counted=2), np.array([-1, -2, -3, -4], np.float32))
    found = columns(tally, [1], [5], one_text=True)
    assert found["counted"] == [1, 1]
    assert found["counted_nats"] == [1.5, 3.5]
    assert sum(found["counted_nats"]) == pytest.approx(2.5 * 2), "the mean twice"


def test_windows_in_any_order_give_the_same_sums():
    units = np.arange(40) // 7
    logprobs = -np.random.default_rng(0).random(40).astype(np.float32)
    found = []
    for reverse in (False, True):
        tally = Tally(units, np.ones(40, np.int64), int(units[-1]) + 1)
        for each in sorted(sliding_windows(40, context=8, stride=3), key=lambda w: w.begin, reverse=reverse):
            tally.add(each, logprobs[each.scored : each.end])
        found.append(tally.columns(np.ones(1), np.ones(1), one_text=True)["nats"])
    assert np.allclose(*found)
