"""Data that is read once for each model: the same each time, whatever it comes from."""

import os
import tempfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from gptcli.data.rereading import DataFile, Rereadable
from gptcli.errors import InputError


def contents(data: Rereadable) -> list[bytes]:
    """Return all bytes of all files, read once more."""
    return [content.binary.read() for content in data.contents()]


def test_standard_input_can_be_read_again() -> None:
    with Rereadable(["-"], BytesIO(b"one\ntwo\n")) as data:
        assert contents(data) == contents(data) == [b"one\ntwo\n"]
        data.verify()
        assert data.files == (DataFile(name="standard input", size=8, sha256=sha256(b"one\ntwo\n").hexdigest()),)


def test_standard_input_is_taken_for_what_it_looks_like() -> None:
    with Rereadable(["-"], BytesIO(b'{"text": "one"}\n')) as data:
        assert [content.suffix for content in data.contents()] == [".jsonl"]


def test_a_pipe_can_be_read_again() -> None:
    read, write = os.pipe()
    os.write(write, b"one\n")
    os.close(write)
    try:
        with Rereadable([f"/dev/fd/{read}"], BytesIO()) as data:
            assert contents(data) == contents(data) == [b"one\n"]
            assert data.files[0].name == f"/dev/fd/{read}"
    finally:
        os.close(read)


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    with Rereadable([str(path)], BytesIO()) as data:
        assert contents(data) == [b"one\n"]
        path.write_bytes(b"two\n")
        with pytest.raises(InputError, match=r"a\.txt has changed while it was read"):
            data.verify()


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    with Rereadable([str(path)], BytesIO()) as data:
        path.unlink()
        with pytest.raises(InputError, match=r"cannot read .*a\.txt: No such file or directory; check the path"):
            data.verify()


def test_no_room_for_the_copy_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(InputError, match=r"cannot keep standard input in .*: No space left on device; set TMPDIR"):
        Rereadable(["-"], BytesIO(b"one"))


def test_empty_input_is_an_error_when_it_is_read() -> None:
    with Rereadable(["-"], BytesIO()) as data, pytest.raises(InputError, match="standard input is empty"):
        contents(data)
