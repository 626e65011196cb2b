"""Text comes in as UTF-8 whatever it was written in, and a byte that fits nothing is not made up."""

import io

import pytest

from gptcli.data.encodings import HEAD_BYTES, Recoded, Replayed, detect_encoding
from gptcli.errors import InputError

TEXT = "Größe, naïve “quoted” €5\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "utf-8"),
        (b"plain", "utf-8"),
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        ("\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-32"), "utf-32"),
        (TEXT.encode("cp1252"), "cp1252"),
        ("été é".encode() + b" \xff", "utf-8"),
        (b"a" * (HEAD_BYTES - 1) + "é".encode()[:1], "utf-8"),
    ],
    ids=["empty", "ASCII", "UTF-8", "BOM", "UTF-16", "UTF-16 BE", "UTF-32", "cp1252", "one bad byte", "cut at the end"],
)
def test_an_encoding_is_told_by_its_mark_or_by_most_of_the_bytes(content: bytes, expected: str) -> None:
    assert detect_encoding(content) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("size", [1, 3, -1])
def test_text_is_passed_on_as_utf8(encoding: str, size: int) -> None:
    recoded = io.BufferedReader(Recoded(io.BytesIO((TEXT * 5000).encode(encoding)), encoding, "a.txt"), 64)
    assert (recoded.read(size) + recoded.read()).decode() == TEXT * 5000


def test_a_byte_that_cp1252_lacks_stays_as_it_is() -> None:
    assert io.BufferedReader(Recoded(io.BytesIO(b"\xe9\x81"), "cp1252", "a.txt")).read() == "é".encode() + b"\x81"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_half_a_character_at_the_end_names_the_file_and_the_encoding(encoding: str) -> None:
    cut = io.BufferedReader(Recoded(io.BytesIO(TEXT.encode(encoding)[:-1]), encoding, "a.txt"))
    with pytest.raises(InputError, match=f"a.txt begins as {encoding.upper()} and is not"):
        cut.read()


def test_a_stream_is_replayed_from_its_start_and_stays_open() -> None:
    rest = io.BytesIO(b"head and rest")
    replayed = io.BufferedReader(Replayed(rest.read(4), rest), 3)
    assert replayed.read(2) + replayed.read() == b"head and rest"
    del replayed
    assert not rest.closed
