"""Every token of a stream but the first is learned once an epoch, each document for itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gptcli.training.corpus_windows import Windows, WindowSource, split_documents

EOS = 0


@given(tokens=st.lists(st.integers(0, 65535), max_size=50), length=st.integers(1, 12))
def test_every_token_but_the_first_is_the_target_of_one_window(tokens: list[int], length: int) -> None:
    windows = Windows(np.array(tokens, np.uint16), length)
    targets = [windows.window(index)[1:].tolist() for index in range(len(windows))]
    assert [token for part in targets for token in part] == tokens[1:]
    assert all(1 <= len(part) <= length for part in targets)


@given(tokens=st.lists(st.integers(0, 2), min_size=2, max_size=50), length=st.integers(1, 12))
def test_sequences_are_the_documents_of_the_windows_that_are_asked_for(tokens: list[int], length: int) -> None:
    source = WindowSource(Windows(np.array(tokens, np.uint16), length), EOS)
    sequences = source.sequences(np.arange(source.items))
    examples = [example for sequence in sequences for example in sequence]
    assert [token for example in examples for token in example.input_ids.tolist()] == tokens[:-1]
    assert all(example.targets is not None for example in examples)
    assert [token for example in examples for token in example.targets.tolist()] == tokens[1:]
    assert source.sequences(np.array([0]))[0][0].input_ids.tolist() == sequences[0][0].input_ids.tolist()


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
