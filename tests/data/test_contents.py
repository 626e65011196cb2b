"""Files are found, opened and told apart; what is no text, or changes meanwhile, is refused."""

import gzip
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gptcli.data.contents import expand_paths, open_content
from gptcli.errors import InputError


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_directory_is_its_files_of_a_known_suffix_in_order(tmp_path: Path) -> None:
    known = ["a.csv", "b.JSONL.gz", "deep/a.txt", "z.parquet"]
    for name in [*known, ".hidden.csv", ".git/a.txt", "readme.md", "picture.png"]:
        write(tmp_path / name, b"x")
    (tmp_path / "dir.csv").mkdir()
    single = str(tmp_path / "readme.md")
    assert expand_paths((single, str(tmp_path), "-")) == (single, *(str(tmp_path / name) for name in known), "-")


def test_a_directory_without_such_files_lists_the_suffixes(tmp_path: Path) -> None:
    write(tmp_path / "readme.md", b"x")
    with pytest.raises(InputError, match=r"no file that ends in \.jsonl, .*\.txt \(also with \.gz, \.xz, \.zst\)"):
        expand_paths((str(tmp_path),))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"text": "a"}\n', ".jsonl"),
        (b'\n [{"text": "a"}]\n', ".json"),
        (b"text,label\na b c,x\nd e f,y\n", ".csv"),
        (b"one\ttwo\na b\tx\n", ".csv"),
        ("\ufefftext;label\na, b;x\nd;y\n".encode("utf-16-le"), ".csv"),
        (b"Once upon a time, there was.\nThen, it was not.\n", ".txt"),
        (b"Aye, nay\nNay, aye\n", ".txt"),
        (b"word\nword\n", ".txt"),
        (b"text,label\na,x\nragged\n", ".txt"),
    ],
)
def test_standard_input_is_told_by_what_it_holds(content: bytes, expected: str) -> None:
    with open_content("-", io.BytesIO(content)) as opened:
        assert (opened.name, opened.suffix) == ("standard input", expected)
        assert opened.binary.read().decode() == content.decode("utf-16" if content[:1] == b"\xff" else "utf-8")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(bytes(range(256)) * 40, mtime=0), "text\n".encode("utf-16-le"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a.txt", content)
    with pytest.raises(InputError, match=r"a\.txt is not text: decompress it, or convert"), open_content(str(path)):
        pass


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"one\n")
    with pytest.raises(InputError, match=r"a\.txt has changed while it was read"), open_content(str(path)):
        write(path, b"one\ntwo\n")


def test_a_pipe_is_told_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "63"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(path.write_bytes, b"text,label\na b c,x\n")
        with open_content(str(path)) as opened:
            assert (opened.name, opened.suffix, opened.binary.read(4)) == (str(path), ".csv", b"text")


def test_the_position_in_the_file_tells_how_far_the_reading_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt.gz", gzip.compress(os.urandom(1 << 19).hex().encode()))
    with open_content(str(path)) as opened:
        begin = opened.file.tell()
        assert opened.binary.read(1 << 18)
        middle = opened.file.tell()
        opened.binary.read()
        assert begin < middle < opened.file.tell() == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.csv", "cannot read .*none.csv: No such file or directory; check the path"),
        ("a.parquet.gz", "Parquet is compressed inside"),
        ("empty.csv", "empty.csv is empty"),
        ("-", "cannot read -: No such file"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(
    tmp_path: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.parquet.gz", b"x")
    write(tmp_path / "empty.csv", b"")
    with pytest.raises(InputError, match=message), open_content(name):
        pass
