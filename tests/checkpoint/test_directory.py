"""A directory is written whole or not at all, and what was there before is never damaged."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gptcli.checkpoint import directory
from gptcli.checkpoint.directory import fsync_tree, write_directory
from gptcli.errors import OutputError

IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from gptcli.checkpoint.directory import write_directory

def fill(temporary):
    (temporary / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

write_directory(Path(sys.argv[1]), fill, replace=True)
"""
BETWEEN_THE_RENAMES = """
import os, signal, sys
from pathlib import Path
from gptcli.checkpoint import directory

rename = Path.rename
def rename_and_die(source, target):
    rename(source, target)
    os.kill(os.getpid(), signal.SIGKILL)

Path.rename = rename_and_die
directory.write_directory(Path(sys.argv[1]), lambda temporary: (temporary / "file").write_text("new"), replace=True)
"""


def filled(text: str):
    """Return a filler with one file in a folder."""

    def fill(temporary: Path) -> None:
        (temporary / "folder").mkdir()
        (temporary / "folder" / "file").write_text(text)

    return fill


def full_disk(temporary: Path) -> None:
    """Write a part, and find no space for the rest."""
    (temporary / "file").write_text("half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(path: Path) -> list[str]:
    """List a directory, hidden names too."""
    return sorted(os.listdir(path))


def test_what_was_filled_is_there_with_its_folders_and_nothing_beside_it(tmp_path):
    write_directory(tmp_path / "deep" / "model", filled("new"), replace=False)
    assert (tmp_path / "deep" / "model" / "folder" / "file").read_text() == "new"
    assert names(tmp_path / "deep") == ["model"]


def test_it_has_the_permissions_that_a_new_directory_gets(tmp_path):
    write_directory(tmp_path / "model", filled("new"), replace=False)
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_its_files_may_be_read_by_whoever_may_read_it(tmp_path):
    def fill(place: Path) -> None:
        (place / "weights").touch(0o600)
        (place / "program").touch(0o700)

    write_directory(tmp_path / "model", fill, replace=False)

    readable = (tmp_path / "model").stat().st_mode & 0o444
    assert (tmp_path / "model" / "weights").stat().st_mode & 0o777 == 0o600 | readable
    assert (tmp_path / "model" / "program").stat().st_mode & 0o777 == 0o700 | readable


def test_one_with_files_is_replaced_only_when_told_and_then_as_a_whole(tmp_path):
    model = tmp_path / "model"
    write_directory(model, filled("old"), replace=False)
    (model / "other").write_text("")
    with pytest.raises(OutputError, match=r"model: is there already; .* --overwrite"):
        write_directory(model, filled("new"), replace=False)
    assert names(model) == ["folder", "other"]
    write_directory(model, filled("new"), replace=True)
    assert names(model) == ["folder"]
    assert (model / "folder" / "file").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_an_empty_directory_is_filled(tmp_path):
    (tmp_path / "model").mkdir()
    write_directory(tmp_path / "model", filled("new"), replace=False)
    assert names(tmp_path / "model") == ["folder"]


def test_a_file_is_never_replaced_by_a_directory(tmp_path):
    (tmp_path / "model").write_text("precious")
    with pytest.raises(OutputError, match="is there already"):
        write_directory(tmp_path / "model", filled("new"), replace=True)
    assert (tmp_path / "model").read_text() == "precious"


def test_behind_a_link_the_directory_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "model").symlink_to("elsewhere/model")
    write_directory(tmp_path / "model", filled("new"), replace=False)
    assert (tmp_path / "model").is_symlink()
    assert names(tmp_path / "elsewhere") == ["model"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_full_disk_is_named_and_leaves_what_was_there(tmp_path, replace):
    model = tmp_path / "model"
    if replace:
        write_directory(model, filled("old"), replace=False)
    with pytest.raises(OutputError, match=r"model: cannot be written \(No space left on device: free some space\)"):
        write_directory(model, full_disk, replace=replace)
    assert names(tmp_path) == (["model"] if replace else [])


def test_an_error_of_the_library_that_writes_tensors_is_told_by_its_reason(tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(OutputError, match=r"model: cannot be written \(No such file or directory"):
        write_directory(tmp_path / "model", lambda path: save_file({}, path / "none" / "file"), replace=False)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match=r"taken/model: cannot be written \("):
        write_directory(tmp_path / "taken" / "model", filled("new"), replace=False)


def test_what_interrupts_the_filling_goes_on_and_nothing_is_left(tmp_path):
    def interrupted(temporary: Path) -> None:
        filled("half")(temporary)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_directory(tmp_path / "model", interrupted, replace=False)
    assert names(tmp_path) == []


def test_the_old_one_is_put_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    model = tmp_path / "model"
    write_directory(model, filled("old"), replace=False)
    rename = Path.rename

    def refuse(source: Path, target: Path) -> None:
        if source.name.endswith("partial"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="Input/output error"):
        write_directory(model, filled("new"), replace=True)
    assert (model / "folder" / "file").read_text() == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("program", [IN_THE_MIDDLE, BETWEEN_THE_RENAMES])
def test_what_a_killed_writer_left_is_cleared_away_by_the_next(tmp_path, program):
    model = tmp_path / "model"
    write_directory(model, filled("old"), replace=False)
    ended = subprocess.run([sys.executable, "-c", program, str(model)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    with pytest.raises(OutputError):
        write_directory(model, full_disk, replace=True)
    assert (model / "folder" / "file").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_writer_that_is_at_work_is_left_alone(tmp_path):
    model = tmp_path / "model"

    def fill(temporary: Path) -> None:
        filled("outer")(temporary)
        write_directory(model, filled("inner"), replace=False)
        assert (temporary / "folder" / "file").read_text() == "outer"

    write_directory(model, fill, replace=True)
    assert (model / "folder" / "file").read_text() == "outer"


def test_every_file_and_directory_is_made_safe_on_disk(tmp_path, monkeypatch):
    filled("new")(tmp_path)
    synced: list[str] = []
    monkeypatch.setattr(directory, "_fsync", lambda path: synced.append(str(path)))
    fsync_tree(tmp_path)
    assert synced == [str(tmp_path / "folder" / "file"), str(tmp_path / "folder"), str(tmp_path)]
