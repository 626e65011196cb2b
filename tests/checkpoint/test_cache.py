"""What is built from a checkpoint is built once, appears whole, and changes with its sources."""

import os
from pathlib import Path

import pytest

from gptcli.checkpoint.cache import cache_directory, cached, identity
from gptcli.errors import ModelError


def test_a_file_is_built_once(tmp_path: Path) -> None:
    builds: list[Path] = []

    def build(path: Path) -> None:
        builds.append(path)
        path.write_bytes(b"built")

    first = cached("key", "file.bin", build)
    assert cached("key", "file.bin", build) == first
    assert first.read_bytes() == b"built"
    assert len(builds) == 1


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("key", "file.bin", fail)
    assert list((cache_directory() / "key").iterdir()) == []


def test_another_process_that_finishes_meanwhile_does_no_harm(tmp_path: Path) -> None:
    def build(path: Path) -> None:
        path.write_bytes(b"same")

    def build_while_another_does(path: Path) -> None:
        cached("key", "file.bin", build)
        build(path)

    assert cached("key", "file.bin", build_while_another_does).read_bytes() == b"same"
    assert [path.name for path in (cache_directory() / "key").iterdir()] == ["file.bin"]


def test_a_cache_that_cannot_be_written_names_the_variable_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "taken"))
    with pytest.raises(ModelError, match="set GPTCLI_CACHE to a directory with room"):
        cached("key", "file.bin", Path.touch)


def test_the_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTCLI_CACHE", "/chosen")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_directory() == Path("/chosen")
    monkeypatch.delenv("GPTCLI_CACHE")
    assert cache_directory() == Path("/xdg/gptcli")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_directory() == Path("/home/someone/.cache/gptcli")


def test_the_identity_changes_with_the_bytes_the_time_and_the_scheme(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    original = identity([path], "a")
    assert identity([path], "a") == original
    assert identity([path], "b") != original
    os.utime(path, ns=(0, 0))
    assert identity([path], "a") != original


def test_the_identity_sees_through_symbolic_links(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"one")
    (tmp_path / "link").symlink_to("weights")
    assert identity([tmp_path / "link"], "a") == identity([tmp_path / "weights"], "a")
