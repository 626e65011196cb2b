"""What is read of spans that begin alike, and in which passes."""

import numpy as np

from gptcli.engine.onnx.reading import UNSEEN, Pass, questions, tree_passes
from gptcli.engine.onnx.tree import grow
from gptcli.engine.scorer import Span
from tests.scoring import span


def read(*items: list[Span], prefix: tuple[int, ...] = (), room: int = 100) -> list[Pass]:
    """Return the passes that read items."""
    tree = grow(items, np.array(prefix, np.int32), room)
    return [part for nodes in tree.roots for part in tree_passes(nodes, len(prefix), room)]


def tokens(part: Pass) -> list[list[int]]:
    """Return the tokens of each piece of a pass."""
    return [piece.tokens.tolist() for piece in part.pieces]


def test_what_spans_of_an_item_share_is_read_once_and_their_last_tokens_not_at_all() -> None:
    (part,) = read([span([1, 2, 3, 4], 3), span([1, 2, 3, 5, 6], 3), span([1, 2, 3, 5, 7], 3)])
    assert tokens(part) == [[1, 2, 3], [5]]
    asked = questions(part.pieces)
    assert sorted((int(row), int(token)) for q in asked for row, token in zip(q.rows, q.tokens, strict=True)) == [
        (2, 4),
        (2, 5),
        (3, 6),
        (3, 7),
    ]


def test_items_share_nothing_not_even_a_pass() -> None:
    assert [tokens(part) for part in read([span([1, 2, 3])], [span([1, 2, 4])])] == [[[1, 2]], [[1, 2]]]


def test_spans_that_begin_otherwise_share_a_pass_in_which_they_do_not_see_each_other() -> None:
    (part,) = read([span([1, 2, 3]), span([5, 2, 4])])
    assert tokens(part) == [[1, 2], [5, 2]]
    seen = part.bias(4)[0, 0] != UNSEEN
    assert seen.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_a_branch_sees_what_it_stands_behind_and_no_other_branch() -> None:
    (part,) = read([span([9, 8, 1, 2, 3], 3), span([9, 8, 1, 4, 5], 3)], prefix=(9, 8))
    assert tokens(part) == [[1], [2], [4]]
    assert [piece.positions.tolist() for piece in part.pieces] == [[2], [3], [3]]
    seen = part.bias(4)[0, 0] != UNSEEN  # a row more than there are tokens
    assert seen[:3].astype(int).tolist() == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0]]


def test_passes_are_filled_with_whole_branches_and_never_beyond_what_they_take() -> None:
    lengths = (40, 40, 40, 10, 5, 90)
    parts = read([span(list(range(first, first + length + 1))) for first, length in enumerate(lengths)], room=100)
    assert [part.rows for part in parts] == [80, 55, 90]


def test_a_long_span_is_read_in_chunks_and_its_branches_with_the_last_of_them() -> None:
    text = list(range(1, 251))
    parts = read([span([*text, 5, 6], 250), span([*text, 7, 8, 9], 250)], room=100)
    assert [(part.past, part.rows) for part in parts] == [(0, 100), (100, 100), (200, 53)]
    assert tokens(parts[2])[1:] == [[5], [7, 8]]


def test_branches_that_do_not_fit_into_one_pass_are_read_in_several_behind_the_same_text() -> None:
    text = list(range(1, 61))
    parts = read([span([*text, branch, *range(1, 50)], 60) for branch in (1, 2, 3)], room=100)
    assert [(part.past, part.rows) for part in parts] == [(0, 60), (60, 98), (60, 49)]


def test_windows_that_happen_to_begin_alike_share_nothing() -> None:
    windows = [span([7, *range(begin, begin + 99)], 50) for begin in (1, 2, 3)]
    assert [(part.past, part.rows) for part in read(windows, room=100)] == [(0, 99)] * 3


def test_nothing_is_read_of_spans_without_anything_to_score() -> None:
    assert read([span([1, 2, 3], 3)], [span([1], 1)], []) == []
