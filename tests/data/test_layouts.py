"""A table's delimiter, quoting and header are seen in its first lines."""

import io

import pytest

from gptcli.data.layouts import Layout, detect_layout, is_table

SENTENCES = ("the film is a joy to see", "it is dull and far too long", "nobody laughed at all that night")


def lines_of(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_parts_all_lines_alike(delimiter: str) -> None:
    text = f"text{delimiter}label\r\n" + "".join(f'"{line}, or; so| "{delimiter}x\r\n' for line in SENTENCES)
    assert detect_layout(lines_of(text)) == Layout(delimiter=delimiter)


@pytest.mark.parametrize("text", ["text\n", "text\nHello, you\n", "", "\n\n"])
def test_in_doubt_it_is_a_comma_and_a_header(text: str) -> None:
    assert detect_layout(lines_of(text)) == Layout(delimiter=",")


@pytest.mark.parametrize(
    ("first", "header"),
    [
        ("text,label", True),
        ("a,b", True),
        ("quality,verdict", True),
        ("a fine piece of work,good", False),
        ("good,a fine piece of work", False),
        ("a fine piece of work,3", False),
        ("a fine piece of work,spam", False),
        ("text,good", True),
        ("text,spam", True),
    ],
)
def test_a_first_row_that_looks_like_those_below_is_no_header(first: str, header: bool) -> None:
    flipped = first.startswith("good")
    other = {"3": "1", "spam": "ham"}.get(first.rpartition(",")[2], "bad")
    labels = (first.rpartition(",")[2] if other != "bad" else "good", other) * 2
    rows = [(SENTENCES[number % 3], label) for number, label in enumerate(labels)]
    text = "".join(f"{','.join(reversed(row) if flipped else row)}\n" for row in rows)
    assert detect_layout(lines_of(f"{first}\n{text}")).header is header


@pytest.mark.parametrize(
    ("cell", "quoted"),
    [('"whole, with ""two"" inside"', True), ('"Go on," he said', False), ('say "so"', True), ('"opens', False)],
)
def test_quotes_mean_nothing_in_tabs_where_they_do_not_pair(cell: str, quoted: bool) -> None:
    layout = detect_layout(lines_of(f"text\tlabel\n{cell}\tx\nplain\ty\n"), "\t")
    assert layout.quoted is quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text,label\na b c,x\n", True),
        ("left\tright\na b\tc\n", True),
        ("left,right\na b,c\n", False),
        ("text,label\n", False),
        ("text,label\na,b,c\n", False),
        ("text,text\na,b\n", False),
        ("Hello there, my dear old text\nyou, too\n", False),
        ("ham,See you at home\nspam,You have won\n" * 9, True),
        ('ham\tSee you at "home\nspam\tYou have won\n' * 9, True),
        ("Well, see you at home\nNow, you have won\nSo, on my way\nThen, call this number\n", False),
    ],
)
def test_unnamed_lines_are_a_table_only_where_they_surely_are(text: str, expected: bool) -> None:
    assert is_table(lines_of(text)) is expected
