"""A model is found where a person expects it, without the network if possible, and never replaced."""

import shutil
from pathlib import Path

import pytest

from gptcli.checkpoint import locate as module
from gptcli.checkpoint.hub import HubError, HubUnreachableError, hub_cache
from gptcli.checkpoint.locate import Located, locate
from gptcli.errors import ModelError


def ignore(_description: str, _done: int, _total: int | None) -> None:
    """Take no notice of progress."""


@pytest.fixture(autouse=True)
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Replace the Hub by one that cannot be reached, and record what it was asked for."""
    asked: list[str] = []

    def fake(repository: str, _on_progress: object) -> Path:
        asked.append(repository)
        raise HubUnreachableError("the Hub cannot be reached")

    monkeypatch.setattr(module, "download", fake)
    monkeypatch.chdir(tmp_path)
    return asked


def find(name: str | None) -> Located:
    return locate(name, on_progress=ignore)


def put_in_cache(checkpoint: Path, repository: str) -> Path:
    """Lay a checkpoint out as the Hugging Face cache does: blobs, links to them, and a reference."""
    folder = hub_cache() / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0123abc"
    blobs = folder / "blobs"
    for directory in (snapshot, blobs, folder / "refs"):
        directory.mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123abc")
    for path in checkpoint.iterdir():
        shutil.copy(path, blobs / path.name)
        (snapshot / path.name).symlink_to(blobs / path.name)
    return snapshot


def test_builtin_ships_with_the_package(downloads: list[str]) -> None:
    located = find("builtin")
    assert (located.directory / "model.safetensors").is_file()
    assert located.notice is None
    assert not downloads


def test_a_directory_comes_before_the_cache(checkpoint: Path, downloads: list[str]) -> None:
    put_in_cache(checkpoint, "tiny")
    assert find("tiny") == Located(name="tiny", directory=Path("tiny"))
    assert not downloads


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("org/tiny", "org/tiny"),
        ("gpt2", "gpt2"),
        ("gpt2", "openai-community/gpt2"),
        ("openai-community/gpt2-xl", "gpt2-xl"),
        ("distilgpt2", "distilbert/distilgpt2"),
        (None, "gpt2"),
    ],
)
def test_a_complete_cache_needs_no_network(
    checkpoint: Path, downloads: list[str], name: str | None, repository: str
) -> None:
    snapshot = put_in_cache(checkpoint, repository)
    assert find(name) == Located(name=name or "gpt2", directory=snapshot)
    assert not downloads


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_cache_asks_the_hub(checkpoint: Path, downloads: list[str], lost: str) -> None:
    (put_in_cache(checkpoint, "org/tiny") / lost).resolve().unlink()
    with pytest.raises(ModelError, match="not complete in the Hugging Face cache"):
        find("org/tiny")
    assert downloads == ["org/tiny"]


def test_a_cache_with_a_shard_missing_asks_the_hub(checkpoint: Path, downloads: list[str]) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / "model-00001-of-00002.safetensors")
    index = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    (checkpoint / "model.safetensors.index.json").write_text(index)
    put_in_cache(checkpoint, "org/tiny")
    with pytest.raises(ModelError):
        find("org/tiny")
    assert downloads == ["org/tiny"]


@pytest.mark.parametrize("name", ["gpt2", "gpt2-large"])
def test_a_short_name_is_fetched_from_its_owner(name: str, downloads: list[str]) -> None:
    with pytest.raises(ModelError):
        find(name)
    assert downloads == [f"openai-community/{name}"]


def test_without_a_name_and_without_gpt2_the_builtin_model_is_used_and_says_so() -> None:
    located = find(None)
    assert (located.name, located.directory) == ("builtin", find("builtin").directory)
    assert located.notice is not None
    assert "gpt2 is not in the Hugging Face cache and the Hub cannot be reached: the small" in located.notice
    assert "`gptcli generate -m gpt2 ...`" in located.notice


def test_without_a_name_an_error_that_a_person_can_mend_is_no_reason_to_fall_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_repository: str, _on_progress: object) -> Path:
        raise HubError("the disk is full")

    monkeypatch.setattr(module, "download", full)
    with pytest.raises(ModelError, match="the disk is full"):
        find(None)


def test_a_model_that_was_named_is_never_replaced() -> None:
    with pytest.raises(ModelError) as caught:
        find("gpt2-medum")
    message = str(caught.value)
    assert message.startswith("no model 'gpt2-medum': not a directory, not complete in the Hugging Face")
    assert "the Hub cannot be reached; close names: gpt2-medium" in message
    assert message.endswith("; -m builtin needs no network")
    assert "\n" not in message


def test_checkpoints_beside_a_misspelt_directory_are_offered(checkpoint: Path, downloads: list[str]) -> None:
    with pytest.raises(ModelError, match=f"no such directory; close names: {checkpoint}"):
        find(f"{checkpoint}s")
    assert not downloads


def test_a_file_is_not_a_model_but_its_directory_may_be(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=f"is a file; give the directory that holds it: -m {checkpoint}$"):
        find(str(checkpoint / "model.safetensors"))


@pytest.mark.parametrize(
    "name", ["", "./x", "/no/where", "a/b/c", "a b", "../x", "x--y", "name.git", "x" * 97, "x" * 9999, "x\0"]
)
def test_what_cannot_be_a_repository_is_not_asked_for(name: str, downloads: list[str]) -> None:
    with pytest.raises(ModelError, match="no such directory"):
        find(name)
    assert not downloads


def test_what_a_training_has_not_finished_says_how_to_go_on(tmp_path: Path, downloads: list[str]) -> None:
    for step in (5, 10):
        (tmp_path / "out" / "checkpoints" / f"step-{step:08}").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"^out: its training is not finished \(step-00000010 .*and --resume$"):
        find("out")
    assert not downloads


def test_a_finished_training_may_keep_its_checkpoints(checkpoint: Path) -> None:
    (checkpoint / "checkpoints" / "step-00000005").mkdir(parents=True)
    assert find(str(checkpoint)).directory == checkpoint
