"""The tokenizer looks tokens up, shows them, and refuses files that are damaged or not GPT-2's."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.errors import InputError, ModelError
from tests.checkpoint.conftest import VOCABULARY

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")


@pytest.fixture
def config() -> ModelConfig:
    return read_config(PACKAGED)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a copy of the built-in tokenizer's files, to be damaged."""
    for name in TOKENIZER_FILES:
        shutil.copy(PACKAGED / name, tmp_path)
    return tmp_path


@pytest.fixture
def tokenizer(config: ModelConfig) -> Tokenizer:
    return load_tokenizer(PACKAGED, config)


def edit(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_token_is_found_by_exactly_its_text(tokenizer: Tokenizer) -> None:
    found = tokenizer.single_token(" the")
    assert found is not None
    assert tokenizer.token_bytes(found) == b" the"
    assert tokenizer.single_token("<|endoftext|>") == 0
    assert tokenizer.single_token("Ġthe") is None
    assert tokenizer.single_token("no token is this long") is None
    assert tokenizer.single_token("") is None


def test_a_token_that_is_no_whole_character_is_shown_by_its_bytes(tokenizer: Tokenizer) -> None:
    first_byte, *_ = tokenizer.encode("東")
    assert tokenizer.token_text(first_byte).startswith(r"\xe6")
    assert tokenizer.token_text(tokenizer.encode(" the")[0]) == " the"


def test_an_id_without_a_token_has_no_bytes(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_bytes(99_999) == b""


def test_half_a_surrogate_pair_is_an_error_of_the_input(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="half of a surrogate pair"):
        tokenizer.encode("a\ud800b")
    with pytest.raises(InputError, match="half of a surrogate pair"):
        tokenizer.encode_batch(["a", "a\ud800b"])


def test_tokens_around_a_text_are_known_apart_from_its_own(directory: Path, config: ModelConfig) -> None:
    (directory / "tokenizer.json").unlink()
    edit(directory / "tokenizer_config.json", lambda content: content.update(add_bos_token=True, add_eos_token=True))
    tokenizer = load_tokenizer(directory, config)
    before, behind = tokenizer.ends
    assert before == behind == [tokenizer.eos_id]
    assert tokenizer.encode("hello") == [*before, *tokenizer.encode_batch(["hello"])[0], *behind]


def test_a_tokenizer_larger_than_the_vocabulary_names_both_numbers(config: ModelConfig) -> None:
    with pytest.raises(ModelError, match=rf"largest id is {VOCABULARY - 1}, but vocab_size in config\.json is 300"):
        load_tokenizer(PACKAGED, dataclasses.replace(config, vocab_size=300))


def test_an_added_token_beyond_the_vocabulary_is_an_error(directory: Path, config: ModelConfig) -> None:
    edit(directory / "tokenizer_config.json", lambda settings: settings.update({"pad_token": "<pad>"}))
    with pytest.raises(ModelError, match=f"largest id is {VOCABULARY}"):
        load_tokenizer(directory, config)


def test_a_default_token_that_the_model_has_no_row_for_is_left_out(directory: Path, config: ModelConfig) -> None:
    def rename(document: dict[str, object]) -> None:
        text = json.dumps(document).replace("<|endoftext|>", "<s>")
        document.update(json.loads(text))

    edit(directory / "tokenizer.json", rename)
    (directory / "tokenizer_config.json").unlink()
    tokenizer = load_tokenizer(directory, config)
    assert tokenizer.vocab_size == config.vocab_size
    assert tokenizer.eos_id is None


@pytest.mark.parametrize(
    ("part", "value", "complaint"),
    [
        ("model", {"type": "Unigram", "vocab": []}, "not byte-level BPE"),
        ("pre_tokenizer", {"type": "Metaspace"}, "pre_tokenizer is Metaspace, expected GPT-2's ByteLevel"),
        ("decoder", {"type": "WordPiece"}, "decoder is WordPiece, expected GPT-2's ByteLevel"),
        ("normalizer", {"type": "NFC"}, "has a normalizer"),
        ("model", {"type": "BPE", "vocab": {"a": 0}, "merges": [1]}, "not a BPE tokenizer"),
        ("model", {"type": "BPE", "vocab": {"a": "0"}, "merges": []}, "not a BPE tokenizer"),
        ("added_tokens", [{"content": "<pad>"}], "an entry of added_tokens has no id"),
        ("added_tokens", [{"id": 3}], "is no token"),
        ("post_processor", {"type": "None such"}, "not a BPE tokenizer"),
    ],
)
def test_a_tokenizer_of_another_kind_is_refused_by_name(
    directory: Path, config: ModelConfig, part: str, value: object, complaint: str
) -> None:
    edit(directory / "tokenizer.json", lambda document: document.update({part: value}))
    with pytest.raises(ModelError, match=complaint):
        load_tokenizer(directory, config)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "vocab.json"])
def test_a_truncated_file_is_named(directory: Path, config: ModelConfig, name: str) -> None:
    if name == "vocab.json":
        (directory / "tokenizer.json").unlink()
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=f"{name}: not JSON"):
        load_tokenizer(directory, config)


@pytest.mark.parametrize("content", [b"#version: 0.2\na b c\n", b"zz qq\n", b"\xff\xfe\n"])
def test_merges_that_do_not_fit_the_vocabulary_are_an_error(
    directory: Path, config: ModelConfig, content: bytes
) -> None:
    (directory / "tokenizer.json").unlink()
    (directory / "merges.txt").write_bytes(content)
    with pytest.raises(ModelError, match="download the model again"):
        load_tokenizer(directory, config)


def test_a_directory_without_a_tokenizer_is_an_error(tmp_path: Path, config: ModelConfig) -> None:
    with pytest.raises(ModelError, match=r"has no tokenizer \(tokenizer\.json, or vocab\.json and merges\.txt\)"):
        load_tokenizer(tmp_path, config)
