"""Every token of a stream but the first is learned once an epoch, each document for itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gptcli.training.corpus_windows import Windows, split_documents

EOS = 0


@given(tokens=st.lists(st.integers(0, 65535), max_size=50), length=st.integers(1, 12), epoch=st.integers(0, 5))
def test_every_token_but_the_first_is_the_target_of_one_window(tokens: list[int], length: int, epoch: int) -> None:
    windows = Windows(np.array(tokens, np.uint16), length, seed=3)
    targets = {int(index): windows.window(int(index))[1:] for index in windows.order(epoch)}
    assert sorted(targets) == list(range(len(windows)))
    assert [token for index in sorted(targets) for token in targets[index].tolist()] == tokens[1:]
    assert all(1 <= len(part) <= length for part in targets.values())


def test_the_order_is_of_the_seed_and_the_epoch() -> None:
    tokens = np.zeros(10_001, np.uint16)
    order = Windows(tokens, 10, seed=1).order(0)
    assert order.dtype == np.int64
    assert (order == Windows(tokens, 10, seed=1).order(0)).all()
    assert (order != Windows(tokens, 10, seed=1).order(1)).any()
    assert (order != Windows(tokens, 10, seed=2).order(0)).any()


def test_a_document_begins_at_the_end_of_text_before_it() -> None:
    window = np.array([7, 8, EOS, 5, EOS, EOS, 9], np.int32)
    assert split_documents(window, EOS) == [(0, 2), (2, 4), (4, 5), (5, 6)]
    assert split_documents(np.array([EOS, 5, EOS], np.int32), EOS) == [(0, 2)]
    assert split_documents(np.array([5, 6], np.int32), EOS) == [(0, 1)]


@given(tokens=st.lists(st.integers(0, 2), min_size=2, max_size=40))
def test_documents_part_the_inputs_and_none_sees_another(tokens: list[int]) -> None:
    window = np.array(tokens, np.int32)
    spans = split_documents(window, EOS)
    assert [place for start, end in spans for place in range(start, end)] == list(range(len(tokens) - 1))
    assert all(EOS not in window[start + 1 : end] for start, end in spans)
    assert all(start == 0 or window[start] == EOS for start, _ in spans)
