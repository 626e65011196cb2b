"""A text's documents are whole, in parts or not, and know the line at which they begin."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data import documents
from gptcli.data.documents import Part, read_documents, read_parts


def found(content: bytes) -> list[tuple[int, object]]:
    return [(record.line, record.columns.get("text")) for record in read_documents(io.BytesIO(content), "a.txt")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"One.\n\nTwo.\n", [(1, "One.\n\nTwo.")]),
        (b"\n \n  One.\r\nTwo. \r\n\r\n", [(3, "  One.\nTwo. ")]),
        (b"One.\n<|endoftext|>\n\nTwo.\n<|endoftext|>\n", [(1, "One."), (4, "Two.")]),
        (b"<|endoftext|>\r\n\n<|endoftext|>\nOne.", [(4, "One.")]),
        (b"One <|endoftext|>\nof two\n", [(1, "One <|endoftext|>\nof two")]),
        (b"\n\n", []),
    ],
)
def test_lines_of_end_of_text_part_documents(content: bytes, expected: list[tuple[int, str]]) -> None:
    assert found(content) == expected


def test_a_byte_that_is_not_utf8_spoils_its_document_only() -> None:
    first, second = read_documents(io.BytesIO(b"a\nb\xff\n<|endoftext|>\nc\n"), "a.txt")
    assert first.error == "is not UTF-8: byte 0xff at line 2, column 2"
    assert (second.error, second.columns) == (None, {"text": "c"})


@given(
    lines=st.lists(
        st.sampled_from(["", " ", "a", "bc de", " é\t", "x  y ", "<|endoftext|>", "longer than a part and a read"])
    ),
    longest=st.integers(1, 40),
    read=st.integers(14, 18),
)
def test_parts_joined_are_the_documents(lines: list[str], longest: int, read: int) -> None:
    content = "\n".join(lines).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_LONGEST_READ", read)
        parts = list(read_parts(io.BytesIO(content), "a.txt", longest))
    assert joined(parts) == [text for _, text in found(content)]
    numbered = content.decode().split("\n")
    assert all(str(part.record.columns["text"]).split("\n")[0] in numbered[part.record.line - 1] for part in parts)


def joined(parts: list[Part]) -> list[str]:
    """Return the documents that parts make."""
    whole, text = [], ""
    for part in parts:
        text += str(part.record.columns["text"])
        if part.ends:
            whole.append(text)
            text = ""
    assert not text
    return whole


def test_a_line_without_an_end_comes_in_parts_of_bounded_length() -> None:
    parts = list(read_parts(io.BytesIO(b"word " * 1_000_000), "a.txt", 1 << 19))
    assert max(len(str(part.record.columns["text"])) for part in parts) <= (1 << 20) + (1 << 19)
    assert "".join(str(part.record.columns["text"]) for part in parts) == "word " * 1_000_000
