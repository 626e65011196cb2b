"""A trained tokenizer is GPT-2's kind, and ours and transformers read it alike."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.errors import ConfigError, OutputError
from gptcli.training.tokenizer_training import train_tokenizer
from tests.training.corpus import STORIES, small_tokenizer

TEXTS = [*STORIES, "", " a  b\n\n c\t", "\x00\x1f\x7f", "🦊 naïve", "x<|endoftext|>y", "'ll we'Ll"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizer")


@pytest.fixture(scope="module")
def tokenizer(directory: Path) -> Tokenizer:
    return small_tokenizer(directory)


def test_end_of_text_is_token_0_and_all_bytes_follow(tokenizer: Tokenizer, directory: Path) -> None:
    vocabulary = json.loads((directory / "vocab.json").read_text(encoding="utf-8"))
    assert vocabulary["<|endoftext|>"] == tokenizer.eos_id == 0
    assert sorted(tokenizer.token_bytes(number) for number in range(1, 257)) == [bytes([byte]) for byte in range(256)]
    assert tokenizer.special_ids == {0}
    assert tokenizer.vocab_size == len(vocabulary) == 300


def test_transformers_reads_it_as_we_do(tokenizer: Tokenizer, directory: Path) -> None:
    from transformers import AutoTokenizer, GPT2TokenizerFast

    for theirs in (AutoTokenizer.from_pretrained(directory), GPT2TokenizerFast.from_pretrained(directory)):
        assert [theirs(text)["input_ids"] for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
        assert theirs.eos_token_id == theirs.bos_token_id == theirs.unk_token_id == 0
        assert theirs.pad_token is None


def test_vocab_and_merges_alone_are_the_same_tokenizer(tokenizer: Tokenizer, directory: Path, tmp_path: Path) -> None:
    from gptcli.checkpoint.tokenizer_files import build_tokenizer

    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    alone = Tokenizer(build_tokenizer(tmp_path, model_vocab_size=300))
    assert [alone.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5))
def test_a_batch_is_encoded_as_each_text_is(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]


def test_the_same_text_makes_the_same_files(directory: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    small_tokenizer(tmp_path)
    for path in directory.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_too_short_a_text_makes_a_smaller_vocabulary_and_says_so(tmp_path: Path) -> None:
    trained = train_tokenizer(["aa aa"], 5000, tmp_path)
    assert 257 <= trained.vocab_size < 270
    assert (trained.documents, trained.text_bytes) == (1, 5)


def test_a_vocabulary_without_room_for_all_bytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--vocab-size must be at least 257"):
        train_tokenizer(["a"], 256, tmp_path)


def test_a_place_that_is_no_directory_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write a tokenizer"):
        train_tokenizer(["a"], 257, tmp_path / "file")
