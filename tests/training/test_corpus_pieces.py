"""Pieces of a text are tokenized as the whole is."""

import dataclasses
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.training.corpus_pieces import pieces
from tests.laws.test_tokenization import prefixed
from tests.training.corpus import STORIES, small_tokenizer

SPACES = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x2010), 0x2028, 0x2029]))
CHARACTERS = st.one_of(
    st.sampled_from("ab 1'.\n\r\tst"), st.sampled_from(SPACES), st.characters(exclude_categories=["Cs"])
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return small_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def adding(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Return a tokenizer that puts a space in front of every text."""
    directory = prefixed(tmp_path_factory.mktemp("prefixed") / "tokenizer")
    return load_tokenizer(directory, dataclasses.replace(read_config(PACKAGED), vocab_size=300))


@given(text=st.text(CHARACTERS, max_size=60), longest=st.integers(1, 20), at_newlines=st.booleans())
def test_the_tokens_of_pieces_joined_are_those_of_the_whole(
    tokenizer: Tokenizer, text: str, longest: int, at_newlines: bool
) -> None:
    cut = list(pieces(text, longest, at_newlines=at_newlines))
    assert "".join(cut) == text
    assert [token for ids in tokenizer.encode_batch(cut) for token in ids] == tokenizer.encode(text)


@given(text=st.text(CHARACTERS, max_size=60), longest=st.integers(1, 20))
def test_so_they_are_where_a_tokenizer_puts_a_space_in_front_of_a_text(
    adding: Tokenizer, text: str, longest: int
) -> None:
    assert adding.adds_space
    (whole,) = adding.encode_batch([text])
    assert [token for ids in adding.encode_batch(list(pieces(text, longest))) for token in ids] == whole


@given(text=st.text(CHARACTERS, max_size=60), longest=st.integers(1, 20))
def test_pieces_are_short_and_few(text: str, longest: int) -> None:
    cut = list(pieces(text, longest))
    assert all(len(piece) <= longest or " " not in piece[longest:].strip() for piece in cut)
    assert all(len(first) + len(second) > longest for first, second in pairwise(cut))


def test_every_kind_of_space_may_stand_before_a_cut(tokenizer: Tokenizer) -> None:
    spaces = {
        chr(point) for point in range(0x3001) if unicodedata.category(chr(point)) in ("Zs", "Zl", "Zp", "Cc", "Cf")
    }
    for space in sorted(spaces):
        for text in (f"a{space}\n\nb", f"a{space} b", f"a {space}\n{space} b"):
            joined = [token for ids in tokenizer.encode_batch(list(pieces(text, 1, at_newlines=True))) for token in ids]
            assert joined == tokenizer.encode(text), repr(text)


def test_a_cut_is_made_at_a_line_end_before_one_at_a_space() -> None:
    assert list(pieces("one two\nthree four five", 16, at_newlines=True)) == ["one two", "\nthree four five"]


def test_a_text_without_spaces_stays_whole() -> None:
    assert list(pieces("x" * 1000, 10)) == ["x" * 1000]


def test_a_long_text_takes_time_in_proportion() -> None:
    text = "\n\n".join(STORIES * 2000)
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 1 << 14
