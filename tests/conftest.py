"""What every test gets: no network but loopback, a home of its own, and tiny models made once a session."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run: near ties between a float32 logit and its neighbour 1e-6 away are real, rare, and
# no reason to turn a build red. GPTCLI_TEST_PROFILE=explore looks at new examples.
_COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("repeatable", derandomize=True, **_COMMON)
settings.register_profile("explore", **_COMMON)
settings.load_profile(os.environ.get("GPTCLI_TEST_PROFILE", "repeatable"))

SHARED = Path(os.environ.get("GPTCLI_SHARED", Path(__file__).parents[2] / "shared"))
TINY_SHAPE: dict[str, Any] = {"vocab_size": 96, "n_positions": 48, "n_embd": 32, "n_layer": 2, "n_head": 4}


def pytest_configure() -> None:
    """Let the programs that tests start be interrupted, also where a shell began the tests with &.

    They would inherit an ignored SIGINT, and rightly go on for ever.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""

    def guard(name: str) -> None:
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any) -> Any:
            host = address[0] if isinstance(address, tuple) else "localhost"
            if host not in ("127.0.0.1", "::1", "localhost"):
                raise OSError(f"tests have no network: {address}")
            return original(self, address)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")


@pytest.fixture(scope="session")
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _own_home(_session_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caches of the person who runs the tests out of them, and the tests out of the caches."""
    monkeypatch.setenv("HF_HOME", str(_session_home / "huggingface"))
    monkeypatch.setenv("GPTCLI_CACHE", str(_session_home / "gptcli"))
    monkeypatch.setenv("XDG_STATE_HOME", str(_session_home / "state"))
    for name in (
        "GPTCLI_MODEL",
        "HF_HUB_CACHE",
        "HF_ENDPOINT",
        "HF_TOKEN",
        "CUDA_VISIBLE_DEVICES",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the directory of shared data; a test that needs it is skipped, by name, where it is absent."""
    if not (SHARED / "data").is_dir():  # another directory may have that name
        pytest.skip(f"no shared data at {SHARED} (set GPTCLI_SHARED)")
    return SHARED


def save_random_gpt2(directory: Path, *, seed: int = 0, spread: float = 0.3, **shape: Any) -> Path:
    """Save a random GPT-2 whose predictions are far from uniform, with its byte-level tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(**{**TINY_SHAPE, "bos_token_id": 0, "eos_token_id": 0, **shape})
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = GPT2LMHeadModel(config)
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    model.save_pretrained(directory)
    write_byte_tokenizer(directory, config.vocab_size)
    return directory


def write_byte_tokenizer(directory: Path, vocab_size: int) -> None:
    """Write a tokenizer of printable ASCII bytes, with <|endoftext|> as token 0 and no merges."""
    import json

    characters = [chr(byte) for byte in range(0x21, 0x7F)]
    vocabulary = {"<|endoftext|>": 0, "\u0120": 1, **{char: 2 + n for n, char in enumerate(characters)}}
    kept = {token: number for token, number in vocabulary.items() if number < vocab_size}
    (directory / "vocab.json").write_text(json.dumps(kept), encoding="utf-8")
    (directory / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a tiny random GPT-2 with a context of 48 and a vocabulary of 96."""
    return save_random_gpt2(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def builtin(_session_home: Path) -> Path:
    """Return the directory of the model that ships, unpacked in the cache that most tests share."""
    from gptcli.checkpoint.locate import locate

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPTCLI_CACHE", str(_session_home / "gptcli"))
        return locate("builtin", on_progress=lambda *_: None).directory


@pytest.fixture(scope="session", params=["onnx", "torch"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """Run a test on each backend."""
    return str(request.param)
