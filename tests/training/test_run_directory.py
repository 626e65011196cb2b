"""An output directory is claimed before anything is read, locked while it is used, and never half replaced."""

import errno
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from gptcli.errors import ConfigError, OutputError
from gptcli.training.run_directory import RunDirectory, is_finished


def claimed(path: Path, *, overwrite: bool = False, resume: bool = False) -> RunDirectory:
    """Claim a directory."""
    return RunDirectory(path, overwrite=overwrite, resume=resume)


def opened(path: Path, **options: bool) -> None:
    """Claim and open a directory, as a run does, and let it go."""
    with claimed(path, **options) as directory:
        directory.open()


def test_what_a_run_left_that_was_killed_before_it_noted_its_options_is_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "out")
    (tmp_path / "out" / ".training.toml.123.tmp").write_bytes(b"[tr")
    with pytest.raises(ConfigError, match="out has no run to resume: leave --resume out to begin one"):
        claimed(tmp_path / "out", resume=True)
    opened(tmp_path / "out")


def test_a_run_that_came_first_is_not_replaced_by_one_that_claimed_the_place_before(tmp_path: Path) -> None:
    with claimed(tmp_path / "out") as late:
        opened(tmp_path / "out")
        (tmp_path / "out" / "model.safetensors").write_bytes(b"precious")
        with pytest.raises(ConfigError, match="out is there already: give another -o"):
            late.open()
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == b"precious"


def test_two_runs_do_not_write_to_one_directory(tmp_path: Path) -> None:
    with claimed(tmp_path / "out") as first, claimed(tmp_path / "out") as second:
        first.open()
        with pytest.raises(ConfigError, match="out: another run is writing there: wait for it"):
            second.open()


def test_half_written_checkpoints_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    checkpoints = tmp_path / "out" / "checkpoints"
    for name in ("step-00000001", ".step-00000002.0a1b.partial"):
        (checkpoints / name).mkdir(parents=True)
    (tmp_path / "out" / "training.toml").touch()
    opened(tmp_path / "out", resume=True)
    assert os.listdir(checkpoints) == ["step-00000001"]


@pytest.mark.parametrize("name", ["metrics.jsonl", "training.toml"])
def test_a_half_written_file_of_a_killed_run_is_removed(tmp_path: Path, name: str) -> None:
    """A run that was killed while it cut metrics.jsonl back left .metrics.jsonl.32440.tmp there for ever."""
    opened(tmp_path / "out")
    (tmp_path / "out" / "training.toml").touch()
    (tmp_path / "out" / f".{name}.32440.tmp").write_bytes(b"{")
    (tmp_path / "out" / ".mine.tmp").touch()
    opened(tmp_path / "out", resume=True)
    assert sorted(os.listdir(tmp_path / "out")) == [".lock", ".mine.tmp", "training.toml"]


def test_only_what_a_run_wrote_is_removed_and_its_options_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("training.toml", "vocab.json", "mine.csv"):
        (tmp_path / name).touch()
    removed = []
    unlink = Path.unlink

    def noted(path: Path, missing_ok: bool = False) -> None:
        removed.append(path.name)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    opened(tmp_path, overwrite=True)
    assert removed[-1] == "training.toml"
    assert sorted(os.listdir(tmp_path)) == [".lock", "mine.csv"]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left on device")],
    ids=["of Python", "of safetensors"],
)
def test_a_model_for_which_there_is_no_room_leaves_nothing_half_written(tmp_path: Path, error: Exception) -> None:
    def write(place: Path) -> None:
        (place / "config.json").touch()
        raise error

    with claimed(tmp_path / "out") as directory:
        directory.open()
        with pytest.raises(OutputError, match=r"cannot be saved \(No space left .*; once there is room, .*--resume"):
            directory.finish(write)
        assert not is_finished(directory.path)
    assert os.listdir(tmp_path / "out") == [".lock"]


@pytest.mark.parametrize(
    ("name", "reason"), [("file/out", "Not a directory"), ("x" * 300, "File name too long"), ("file", "is a file")]
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises((OutputError, ConfigError), match=f"{reason}.*give another directory with -o"):
        claimed(tmp_path / name)
