"""Texts against their references; the answers follow from the definition of SQuAD's figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.evaluation.matching import exact_match, normalize_answer, normalized_match, token_f1


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The Cat, sat!", "cat sat"),
        ("an  apple\ta\nday", "apple day"),
        ("Athens and Anna", "athens and anna"),
        ("U.S.A.", "usa"),
        ("the-end", "theend"),
        ("a.b the", "ab"),
        ("«été» … the", "«été» …"),
        ("the", ""),
        ("", ""),
    ],
)
def test_case_punctuation_articles_and_spaces_do_not_count(text, normalized):
    assert normalize_answer(text) == normalized


@pytest.mark.parametrize(
    ("text", "reference", "f1"),
    [
        ("the cat sat", "A cat sat.", 1),
        ("cat sat on mat", "cat mat", 2 / 3),
        ("cat cat cat", "cat dog", 2 / 5),
        ("cat cat dog", "cat cat", 4 / 5),
        ("dog", "cat", 0),
        ("the", "", 1),
        ("", "cat", 0),
        ("cat", "the", 0),
    ],
)
def test_f1_counts_the_words_shared(text, reference, f1):
    assert token_f1(text, reference) == pytest.approx(f1)


def test_exact_match_is_strict_but_for_the_ends():
    assert exact_match(" Paris\n", "Paris")
    assert not exact_match("paris", "Paris")
    assert not exact_match("Paris.", "Paris")
    assert normalized_match("paris.", "The Paris")
    assert not normalized_match("Paris, France", "Paris")


@given(st.text(), st.text())
def test_f1_is_the_same_both_ways_and_1_for_what_matches(first, second):
    assert token_f1(first, second) == token_f1(second, first)
    assert 0 <= token_f1(first, second) <= 1
    assert not normalized_match(first, second) or token_f1(first, second) == 1
    assert not exact_match(first, second) or normalized_match(first, second)
