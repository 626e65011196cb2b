"""A tiny GPT-2 as transformers saves it, and an environment without a user's caches or network."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED

VOCABULARY = read_config(PACKAGED).vocab_size

TINY = {
    "vocab_size": VOCABULARY,
    "n_positions": 16,
    "n_embd": 8,
    "n_layer": 2,
    "n_head": 2,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


@pytest.fixture(scope="session")
def make_model() -> Callable[..., GPT2LMHeadModel]:
    """Return a maker of random GPT-2 models; equal changes to the config give equal weights."""

    def make(**changes: object) -> GPT2LMHeadModel:
        torch.manual_seed(0)
        return GPT2LMHeadModel(GPT2Config.from_dict(TINY | changes))

    return make


@pytest.fixture
def checkpoint(tmp_path: Path, make_model: Callable[..., GPT2LMHeadModel]) -> Path:
    """Return a directory with all files of a tiny model; its tokenizer is the built-in one."""
    directory = tmp_path / "tiny"
    make_model().save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(PACKAGED / name, directory)
    return directory


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point every cache into the test's directory, and forget what the user has set."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "cache"))
