"""A compressed file reads as what it holds; a damaged one says so and what to do."""

import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from gptcli.data.compression import inner_suffix, is_compressed, opened
from gptcli.errors import InputError, MissingExtraError

CONTENT = b"".join(b"row %d\n" % number for number in range(50_000))
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,  # as the zstd command does
}


def content_of(path: Path) -> bytes:
    with opened(str(path)) as file:
        return file.read()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_reads_as_it_was_before(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.CSV{suffix.upper()}"
    path.write_bytes(COMPRESS[suffix](CONTENT) + COMPRESS[suffix](b"more\n"))  # two files joined are one
    assert content_of(path) == CONTENT + b"more\n"
    assert is_compressed(str(path))
    assert inner_suffix(str(path)) == ".csv"


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("cut", [-1, 3, 20])
def test_a_file_cut_short_is_damaged(tmp_path: Path, suffix: str, cut: int) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT)[:cut])
    with pytest.raises(InputError, match=f"a.csv{suffix} is damaged, .*: compress or download it again"):
        content_of(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_changed_byte_is_damage(tmp_path: Path, suffix: str) -> None:
    compressed = bytearray(COMPRESS[suffix](CONTENT))
    compressed[len(compressed) // 2 : len(compressed) // 2 + 8] = b"\xff" * 8
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(compressed)
    with pytest.raises(InputError, match="is damaged"):
        content_of(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_what_is_not_compressed_in_spite_of_its_name_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(b"text,label\nx,y\n")
    with pytest.raises(InputError, match="is damaged"):
        content_of(path)


def test_zst_without_zstandard_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt.zst").write_bytes(zstandard.compress(b"x"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[data\]"'):
        content_of(tmp_path / "a.txt.zst")
