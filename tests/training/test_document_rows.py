"""A few long documents become rows at blank lines, so that a part of a single book can be held out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.training.document_rows import paragraphs
from tests.training.loading import in_order, load

PARAGRAPH = "It was a long way to the river, and nobody said a word about it. " * 8


def book(paragraph_count: int, name: str = "") -> str:
    return "\n\n".join(f"{name}{number}. {PARAGRAPH}" for number in range(paragraph_count)) + "\n"


def test_a_book_is_parted_at_blank_lines_and_a_part_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n" + book(200), encoding="utf-8")
    rows, told = load(tmp_path / "a.txt")
    found = in_order(rows)
    assert told == [f"1 document is parted at blank lines into {len(found)} rows, so that some can be held out"]
    assert len(rows.validation) == pytest.approx(len(found) / 10, abs=5)
    assert [row.ends for row in found] == [False] * (len(found) - 1) + [True]
    assert all(2000 <= len(row.text) < 3000 for row in found[:-1])
    lines = ("\n" + book(200)).split("\n")
    assert all(row.text.startswith(lines[row.line - 1]) for row in found)
    assert "\n".join(row.text for row in found) == book(200).rstrip("\n")


def test_each_document_ends_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(book(20, "a") + "<|endoftext|>\nShort.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text(book(20, "b"), encoding="utf-8")
    rows, told = load(tmp_path)
    found = in_order(rows)
    assert told[0].startswith("3 documents are parted at blank lines into ")
    assert sum(row.ends for row in found) == 3
    assert "Short." in [row.text for row in found if row.ends]
    assert {row.source for row in found} == {0, 1}


def test_documents_stay_whole_where_they_are_many_short_rows_of_a_table_or_none_is_held_out(tmp_path: Path) -> None:
    text = book(20)
    (tmp_path / "many.txt").write_text("<|endoftext|>\n".join([text] * 20), encoding="utf-8")
    (tmp_path / "short.txt").write_text(book(3), encoding="utf-8")
    (tmp_path / "a.csv").write_text(f'text\n"{text}"\n"{text}"\n', encoding="utf-8")
    (tmp_path / "one.txt").write_text(text, encoding="utf-8")
    assert len(in_order(load(tmp_path / "many.txt")[0])) == 20
    assert len(in_order(load(tmp_path / "short.txt")[0])) == 1
    assert len(in_order(load(tmp_path / "a.csv")[0])) == 2
    assert len(in_order(load(tmp_path / "one.txt", validation_split=0)[0])) == 1
    assert len(load(tmp_path / "one.txt", validation=str(tmp_path / "short.txt"))[0].train) == 1


def test_a_paragraph_of_more_than_64_kb_is_parted_within() -> None:
    found = [text for text, _ in paragraphs("word " * 100_000)]
    assert max(map(len, found)) <= 1 << 16
    assert "".join(found) == "word " * 100_000
    lines = list(paragraphs("a line of words\n" * 10_000))
    assert "\n".join(text for text, _ in lines) == "a line of words\n" * 10_000
    assert all(text.startswith("a line") for text, _ in lines)
    assert [number for _, number in lines] == [sum(text.count("\n") + 1 for text, _ in lines[:at]) for at in range(3)]


@given(lines=st.lists(st.sampled_from(["", " \t", "  indented", "word " * 200, "word " * 700, "é"]), max_size=40))
def test_nothing_but_blank_lines_is_left_out(lines: list[str]) -> None:
    text = "\n".join(lines).strip("\n")
    found = list(paragraphs(text))
    kept = [line for part, _ in found for line in part.split("\n") if line.strip()]
    assert kept == [line for line in text.split("\n") if line.strip()]
    for part, number in found:
        assert text.split("\n")[number] == part.split("\n")[0]
