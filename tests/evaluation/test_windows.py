"""Windows: which tokens are read and scored, for any text, context and stride."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.evaluation.windows import Window, chunk_windows, documentation_windows, sliding_windows

LENGTHS = st.integers(0, 60)
CONTEXTS = st.integers(1, 20)


@st.composite
def contexts_with_strides(draw):
    context = draw(CONTEXTS)
    return context, draw(st.integers(1, context))


def spans(windows):
    """Return (begin, scored, end) of each window."""
    return [(window.begin, window.scored, window.end) for window in windows]


def scored_by(windows):
    return [token for window in windows for token in range(window.scored, window.end)]


@given(LENGTHS, contexts_with_strides())
def test_sliding_windows_score_every_token_but_the_first_once_and_read_no_more_than_the_context(length, both):
    context, stride = both
    windows = list(sliding_windows(length, context=context, stride=stride))
    assert scored_by(windows) == list(range(1, length))
    for window in windows:
        assert 0 <= window.begin < window.scored < window.end <= length
        assert window.end - 1 - window.begin <= context, "the last token is predicted, and never read"
        assert window.counted == window.end - window.scored


@given(LENGTHS, contexts_with_strides())
def test_a_token_has_as_much_context_as_there_is_and_the_stride_leaves(length, both):
    context, stride = both
    for window in sliding_windows(length, context=context, stride=stride):
        for token in range(window.scored, window.end):
            assert token - window.begin >= min(token, context - stride + 1)


def test_sliding_windows_by_hand():
    assert spans(sliding_windows(12, context=4, stride=2)) == [(0, 1, 5), (2, 5, 7), (4, 7, 9), (6, 9, 11), (7, 11, 12)]
    assert spans(sliding_windows(10, context=4, stride=4)) == [(0, 1, 5), (4, 5, 9), (5, 9, 10)]
    assert spans(sliding_windows(4, context=9, stride=1)) == [(0, 1, 4)]
    assert spans(sliding_windows(1, context=4, stride=2)) == spans(sliding_windows(0, context=4, stride=2)) == []


def labels_of_the_documentation(length, context, stride):
    """Return what its loop gives the model as labels, and how much it counts each window, by its own steps."""
    previous = 0
    for begin in range(0, length, stride):
        end = min(begin + context, length)
        valid = end - previous
        labels = [token if token >= end - valid else -100 for token in range(begin, end)]
        yield [label for label in labels[1:] if label != -100], valid - 1
        previous = end
        if end == length:
            break


@given(st.integers(1, 60), contexts_with_strides())
def test_the_documentations_windows_are_those_of_its_loop(length, both):
    context, stride = both
    wanted = [(labels, weight) for labels, weight in labels_of_the_documentation(length, context, stride) if labels]
    windows = list(documentation_windows(length, context=context, stride=stride))
    assert [(list(range(window.scored, window.end)), window.counted) for window in windows] == wanted


def test_the_documentations_windows_by_hand():
    assert list(documentation_windows(10, context=4, stride=4)) == [
        Window(begin=0, end=4, scored=1, counted=3),
        Window(begin=4, end=8, scored=5, counted=3),
        Window(begin=8, end=10, scored=9, counted=1),
    ]
    assert list(documentation_windows(7, context=4, stride=2)) == [
        Window(begin=0, end=4, scored=1, counted=3),
        Window(begin=2, end=6, scored=4, counted=1),
        Window(begin=4, end=7, scored=6, counted=0),
    ]
    assert spans(documentation_windows(9, context=4, stride=4))[-1] == (4, 5, 8), "its last one would be of one token"


@given(LENGTHS, st.integers(3, 20))
def test_chunks_follow_each_other_and_score_their_second_half_but_its_first_token(length, context):
    windows = list(chunk_windows(length, context=context))
    assert [window.begin for window in windows] == [number * context for number in range(length // context)]
    for window in windows:
        assert window.end - window.begin == context
        assert window.start == context // 2 + 1
        assert window.counted == context - 1 - context // 2, "as llama.cpp counts them"


@pytest.mark.parametrize("stride", [1, 3, 8])
def test_a_window_of_the_whole_text_is_read_once(stride):
    assert spans(sliding_windows(9, context=8, stride=stride)) == [(0, 1, 9)]
