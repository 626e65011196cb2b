"""Tokenization equals GPT2Tokenizer on any text and any ids, whichever files a checkpoint keeps its tokenizer in."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers
from transformers import AddedToken, GPT2Tokenizer

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer

SHARED = Path(os.environ.get("GPTCLI_SHARED") or Path(__file__).parents[3] / "shared")
PUBLISHED = SHARED / "data" / "gpt2-tokenizer"
CORPUS = ["the cat sat on the mat and the dog sat on the cat", "don't stop, won't stop; it's 1999!", "naïve café 東京"]

ADDED = ("<|endoftext|>", "<pad>", "<wide>", "<word>", "café", "Ġthe", "two words", "<|user|>", "<|user|>!", "<|end|>")
"""Texts that some of the tokenizers below have as added tokens, and others do not."""

TEXTS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from((*ADDED, "the cat", " sat", "  ", "\n\n", "'s", "don't", "1999", "\r\n", "\x00", "👩‍👩‍👧")),
    ),
    max_size=8,
).map("".join)


def write(directory: Path, name: str, content: object) -> None:
    (directory / name).write_text(json.dumps(content), encoding="utf-8")


def vocab_files(directory: Path, special: str = "<|endoftext|>") -> Path:
    """Train a small BPE and save it as vocab.json and merges.txt."""
    directory.mkdir()
    bpe = tokenizers.Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=[special], show_progress=False
    )
    bpe.train_from_iterator(iter(CORPUS), trainer)
    bpe.model.save(str(directory))
    return directory


def plain(directory: Path) -> Path:
    """Only vocab.json and merges.txt, as the published GPT-2 came."""
    return vocab_files(directory)


def prefixed(directory: Path) -> Path:
    """A space before every text, and a token at both ends of it."""
    vocab_files(directory)
    ends = {"add_bos_token": True, "add_eos_token": True}
    write(directory, "tokenizer_config.json", {"add_prefix_space": True} | ends)
    return directory


def without_end_of_text(directory: Path) -> Path:
    """A vocabulary that lacks <|endoftext|>, which becomes a new token."""
    return vocab_files(directory, special="<s>")


def older_files(directory: Path) -> Path:
    """Added tokens in added_tokens.json and special_tokens_map.json, as before 2023."""
    size = len(json.loads((vocab_files(directory) / "vocab.json").read_text(encoding="utf-8")))
    write(
        directory, "added_tokens.json", {"<word>": size + 1, "café": size, "<|user|>": size + 2, "<|user|>!": size + 3}
    )
    wide = {"content": "<wide>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False}
    special = {"pad_token": "<pad>", "sep_token": wide, "additional_special_tokens": ["<|user|>", "<|end|>"]}
    write(directory, "special_tokens_map.json", special)
    return directory


def newer_files(directory: Path) -> Path:
    """What GPT2Tokenizer.save_pretrained writes today: tokenizer.json and tokenizer_config.json."""
    source = vocab_files(directory.with_name("source"))
    tokenizer = GPT2Tokenizer.from_pretrained(source, add_prefix_space=True, pad_token="<pad>")
    tokenizer.add_tokens([AddedToken("<wide>", lstrip=True), AddedToken("<word>", single_word=True)])
    tokenizer.add_tokens(["two words", "Ġthe", "café"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|user|>", "<|end|>"]})
    tokenizer.save_pretrained(directory)
    return directory


def decoder_table(directory: Path) -> Path:
    """What transformers 4 writes: the added tokens, in any order, in tokenizer_config.json."""
    document = json.loads((newer_files(directory) / "tokenizer.json").read_text(encoding="utf-8"))
    saved = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
    listed = {str(token.pop("id")): token for token in reversed(document["added_tokens"])}
    write(directory, "tokenizer_config.json", saved | {"added_tokens_decoder": listed})
    write(directory, "tokenizer.json", document | {"added_tokens": []})
    return directory


def truncating(directory: Path) -> Path:
    """A tokenizer.json that cuts, pads and puts a token first, without a tokenizer_config.json."""
    document = json.loads((newer_files(directory) / "tokenizer.json").read_text(encoding="utf-8"))
    (directory / "tokenizer_config.json").unlink()
    first = {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}
    document["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": first["id"], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {first["id"]: first},
    }
    document["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    document["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "<|endoftext|>",
    }  # fmt: skip
    write(directory, "tokenizer.json", document)
    return directory


def builtin(directory: Path) -> Path:
    """The tokenizer that ships with gptcli."""
    return shutil.copytree(PACKAGED, directory, ignore=shutil.ignore_patterns("*.safetensors"))


def published(directory: Path) -> Path:
    """The tokenizer of GPT-2 itself."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published GPT-2 vocabulary is not at {PUBLISHED}")
    return shutil.copytree(PUBLISHED, directory)


MAKERS = (plain, prefixed, without_end_of_text, older_files, newer_files, decoder_table, truncating, builtin, published)


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.__name__)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, GPT2Tokenizer]:
    """Load one directory with gptcli and with transformers."""
    make: Callable[[Path], Path] = request.param
    directory = make(tmp_path_factory.mktemp(make.__name__) / "tokenizer")
    config = dataclasses.replace(read_config(PACKAGED), vocab_size=60_000)
    return load_tokenizer(directory, config), GPT2Tokenizer.from_pretrained(directory)


@given(text=TEXTS)
@settings(deadline=None)
def test_any_text_has_the_ids_of_gpt2_tokenizer(both: tuple[Tokenizer, GPT2Tokenizer], text: str) -> None:
    ours, theirs = both
    assert ours.encode(text) == theirs(text)["input_ids"]


@given(data=st.data())
@settings(deadline=None)
def test_any_ids_have_the_text_of_gpt2_tokenizer(both: tuple[Tokenizer, GPT2Tokenizer], data: st.DataObject) -> None:
    ours, theirs = both
    ids = data.draw(st.lists(st.integers(0, ours.vocab_size - 1), max_size=30))
    expected = theirs.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert ours.decode(ids) == expected
    assert b"".join(map(ours.token_bytes, ids)).decode(errors="replace") == expected


def test_the_vocabulary_and_its_special_tokens_are_those_of_gpt2_tokenizer(
    both: tuple[Tokenizer, GPT2Tokenizer],
) -> None:
    ours, theirs = both
    assert ours.vocab_size == len(theirs)
    assert ours.eos_id == theirs.eos_token_id
    assert ours.special_ids >= {*theirs.all_special_ids}


def test_the_bytes_of_every_token_are_its_text(both: tuple[Tokenizer, GPT2Tokenizer]) -> None:
    ours, theirs = both
    ids = range(ours.vocab_size)
    assert [ours.token_bytes(token_id).decode(errors="replace") for token_id in ids] == [
        theirs.decode([token_id]) for token_id in ids
    ]


def test_hello_my_name_is_has_the_published_ids(tmp_path: Path) -> None:
    directory = published(tmp_path / "gpt2")
    tokenizer = load_tokenizer(directory, dataclasses.replace(read_config(PACKAGED), vocab_size=50257))
    assert tokenizer.encode("Hello, my name is") == [15496, 11, 616, 1438, 318]
    assert tokenizer.eos_id == 50256
