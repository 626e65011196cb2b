"""Checkpoints that were published, where the person who runs the tests has them; tests never download."""

import os
from pathlib import Path

import pytest

from gptcli.checkpoint.locate import REPOSITORIES, find_cached

# Read when tests are collected: they themselves run in a home of their own.
_CACHE = {name: os.environ[name] for name in ("HF_HOME", "HF_HUB_CACHE") if name in os.environ}


def published_checkpoint(name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of a model in the Hugging Face cache; skips the test, by name, where it is absent."""
    with monkeypatch.context() as patch:
        patch.delenv("HF_HOME", raising=False)
        for variable, value in _CACHE.items():
            patch.setenv(variable, value)
        found = find_cached(REPOSITORIES.get(name, name))
    if found is None:
        pytest.skip(f"{name} is not in the Hugging Face cache")
    return found
