"""A text of several pieces has the tokens of the whole wherever it is read, with a tokenizer that adds a space too."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.engine.backend import Tokens
from gptcli.engine.scorer import Item
from gptcli.tasks.evaluators.passages import Passage
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.evaluators.perplexity_reading import Reach, Reading
from gptcli.tasks.long_texts import LongTexts
from gptcli.training.corpus_documents import Documents
from gptcli.training.encoding import Encoder
from tests.laws.test_tokenization import prefixed
from tests.training.corpus import tokenized
from tests.training.test_encoding import EOS, only, row, rows_for

TEXT = "".join(f"the cat {number}\n\nsat on\tthe mat.\n" for number in range(2000))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prefixed(tmp_path_factory.mktemp("prefixed") / "tokenizer")


@pytest.fixture(scope="module")
def tokenizer(directory: Path) -> Tokenizer:
    return load_tokenizer(directory, dataclasses.replace(read_config(PACKAGED), vocab_size=300))


def for_training(tokenizer: Tokenizer) -> Tokens:
    encoder = Encoder(rows_for("lm"), tokenizer, eos_id=EOS, max_length=len(TEXT), overflow="error")
    return only(encoder, row(TEXT)).input_ids[1:]


def for_a_label(tokenizer: Tokenizer) -> Tokens:
    return LongTexts(tokenizer, size=len(TEXT), place="", long="mean").tokens(TEXT)


def for_perplexity(tokenizer: Tokenizer) -> Tokens:
    reading = Reading(PerplexityOptions(), tokenizer, Reach(context=len(TEXT), stride=len(TEXT), beginning=None))
    passage = Passage(row=0, number=0, origin="a.txt", text=TEXT, words=0, utf8_bytes=0)
    (item,) = (found for found in reading.items([passage]) if isinstance(found, Item))
    return item.spans[0].tokens


@pytest.mark.parametrize("read", [for_training, for_a_label, for_perplexity])
def test_a_long_text_has_the_tokens_of_the_whole(tokenizer: Tokenizer, read: Callable[[Tokenizer], Tokens]) -> None:
    (whole,) = tokenizer.encode_batch([TEXT])
    assert read(tokenizer).tolist() == whole


def test_a_long_document_of_a_corpus_has_the_tokens_of_the_whole(
    directory: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gptcli.training.corpus_documents.PART_CHARACTERS", 1 << 15)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    assert len(list(Documents([str(tmp_path / "a.txt")]))) > 1
    corpus = tokenized([tmp_path / "a.txt"], directory, tmp_path / "tokens")
    (whole,) = tokenizer.encode_batch([TEXT.rstrip("\n")])
    np.testing.assert_array_equal(corpus.train.tokens[1:-1], whole)
