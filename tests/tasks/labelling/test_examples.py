"""Which labelled rows become examples, and in what order."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.errors import InputError
from gptcli.tasks.labelling.examples import Shot, balanced, fitting, read_shots, shuffled

SHOTS = st.lists(
    st.builds(Shot, text=st.text(max_size=4), label=st.sampled_from("abc")), max_size=30, unique_by=lambda s: s.text
)


def written(directory: Path, name: str, text: str) -> str:
    (directory / name).write_text(text)
    return str(directory / name)


def test_columns_are_found_as_finetune_finds_them_and_the_choice_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "shots.csv", "id,review,sentiment\n1,so good,pos\n2,so bad,neg\n3, so good ,neg\n")
    found = read_shots(path, ("neg", "pos"))
    assert found.shots == (Shot(text="so good", label="pos"), Shot(text="so bad", label="neg"))
    assert found.details[0].startswith(f"examples of {path}: classify: column review is the text and sentiment")
    assert found.details[1] == f"{path}: examples with the text of an earlier one, left out: 1"


def test_a_label_that_is_a_number_is_its_digits(tmp_path: Path) -> None:
    path = written(tmp_path, "shots.jsonl", '{"text": "good", "label": 1}\n{"text": "bad", "label": 0}\n')
    assert [shot.label for shot in read_shots(path, ("0", "1")).shots] == ["1", "0"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("text,label\nso good,pos\nso so,mixed\n", "shots.csv:3: has the label mixed, which is none of neg, pos"),
        ("text,label\nso good,\n", "shots.csv:2: has no label"),
        ("text,label\nso good\n", "shots.csv:2: has 1 cell"),
        ("a,b\nso good,so bad\n", "shots.csv: which columns of the examples are text and label is in doubt: call them"),
        ("text,label\n", "shots.csv has a header but no rows"),
        ("", "shots.csv is empty"),
    ],
)
def test_a_file_that_cannot_give_examples_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        read_shots(written(tmp_path, "shots.csv", text), ("neg", "pos"))
    assert told in str(error.value)


@given(shots=SHOTS, seed=st.integers(0, 9), count=st.integers(1, 30))
def test_any_number_of_examples_has_each_label_as_often_as_there_are_rows(
    shots: list[Shot], seed: int, count: int
) -> None:
    order = balanced(shots, seed)
    assert sorted(order, key=str) == sorted(shots, key=str)
    taken, there = (Counter(shot.label for shot in found) for found in (order[:count], shots))
    most = max(taken.values(), default=0)
    assert all(taken[label] >= min(most - 1, there[label]) for label in there)


@given(shots=SHOTS, seed=st.integers(0, 9))
def test_the_seed_settles_order_and_choice(shots: list[Shot], seed: int) -> None:
    assert balanced(shots, seed) == balanced(shots, seed)
    assert shuffled(shots, seed) == shuffled(shots, seed)


def test_another_seed_takes_other_rows_in_another_order() -> None:
    shots = [Shot(text=str(number), label="ab"[number % 2]) for number in range(20)]
    assert len({tuple(balanced(shots, seed)[:4]) for seed in range(8)}) == 8
    assert len({tuple(shuffled(shots[:6], seed)) for seed in range(8)}) == 8


def test_as_many_are_taken_as_have_room_and_one_that_has_none_is_passed_over() -> None:
    shots = [Shot(text="x" * length, label="a") for length in (4, 9, 3, 2, 1)]
    lengths = [len(s.text) for s in fitting(shots, lambda shot: len(shot.text), room=9, most=None)]
    assert lengths == [4, 3, 2]
    assert len(fitting(shots, lambda shot: len(shot.text), room=99, most=2)) == 2
