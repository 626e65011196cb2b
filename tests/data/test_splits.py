"""A row's side of the split is its own affair: no other row moves it, and every label is on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data.splits import Hashes, count_repeats, count_shared, hashes_of, row_hasher, validation_mask

ROWS = st.lists(st.tuples(st.text(max_size=4), st.integers(0, 3)), max_size=60)
SPLITS = st.sampled_from([0.05, 0.1, 0.3, 0.5])


def hashes(texts: list[str]) -> Hashes:
    row_hash = row_hasher()
    return hashes_of(b"".join(row_hash(text.encode()) for text in texts))


def sides(rows: list[tuple[str, int]], split: float) -> list[bool]:
    """Return which rows are held out."""
    groups = np.array([group for _, group in rows], dtype=np.int64)
    return [bool(held) for held in validation_mask(hashes([text for text, _ in rows]), groups, split)]


def by_hash(rows: list[tuple[str, int]], split: float) -> list[bool]:
    """Return which rows would be held out if labels did not matter."""
    return [bool(value < split * 2.0**64) for value in hashes([text for text, _ in rows])]


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert row_hasher()(b"text").hex() == "d7f35fa228381a1c"


@given(rows=ROWS, more=ROWS, split=SPLITS)
def test_no_row_moves_when_rows_are_added_where_its_label_is_on_both_sides(
    rows: list[tuple[str, int]], more: list[tuple[str, int]], split: float
) -> None:
    own = by_hash(rows, split)
    settled = {
        group
        for group in range(4)
        if {held for held, (_, other) in zip(own, rows, strict=True) if other == group} == {True, False}
    }
    # A stand-in of another label takes rows of the same text along.
    shared = {text for text, group in [*rows, *more] if group not in settled}
    before, after = sides(rows, split), sides([*more, *rows], split)[len(more) :]
    for row, was, now in zip(rows, before, after, strict=True):
        if row[1] in settled and row[0] not in shared:
            assert was == now


@given(rows=ROWS, split=SPLITS)
def test_only_one_text_of_a_label_changes_sides_so_that_both_have_it(rows: list[tuple[str, int]], split: float) -> None:
    moved = {
        (held, text)
        for held, own, (text, _) in zip(sides(rows, split), by_hash(rows, split), rows, strict=True)
        if held != own
    }
    assert len(moved) <= len({group for _, group in rows})


@given(rows=ROWS, split=SPLITS)
def test_rows_of_one_text_stay_together_and_order_does_not_matter(rows: list[tuple[str, int]], split: float) -> None:
    found = sides(rows, split)
    assert len({(text, held) for (text, _), held in zip(rows, found, strict=True)}) == len({text for text, _ in rows})
    assert sides(rows[::-1], split) == found[::-1]


@given(rows=ROWS, split=SPLITS)
def test_every_label_is_left_to_train_on(rows: list[tuple[str, int]], split: float) -> None:
    left = {group for held, (_, group) in zip(sides(rows, split), rows, strict=True) if not held}
    assert left == {group for _, group in rows}


def test_a_split_is_stratified() -> None:
    rows = [(f"row {number}", 0 if number % 100 else 1) for number in range(10_000)]
    held = [group for out, (_, group) in zip(sides(rows, 0.1), rows, strict=True) if out]
    assert held.count(0) == pytest.approx(990, rel=0.1)
    assert 3 <= held.count(1) <= 20
    few = [(f"row {number}", number // 10) for number in range(200)]
    held = [group for out, (_, group) in zip(sides(few, 0.1), few, strict=True) if out]
    assert set(held) == set(range(20))


@pytest.mark.parametrize("split", [0.0, 0.999])
def test_an_extreme_split_leaves_rows_to_train_on(split: float) -> None:
    held = sides([(f"row {number}", 0) for number in range(100)], split)
    assert sum(held) in ((0,) if split == 0 else range(95, 100))
    assert sides([], split) == []


def test_repeated_and_shared_rows_are_counted() -> None:
    assert count_repeats(hashes(["a", "b", "a", "a", "c"])) == 2
    assert count_shared(hashes(["a", "d", "a"]), hashes(["a", "b"])) == 2
    assert count_repeats(hashes([])) == count_shared(hashes([]), hashes(["a"])) == 0
