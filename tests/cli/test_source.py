"""Where rows come from, and what can be said of them before they are read."""

import gzip
from contextlib import closing
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from gptcli.cli.console import Console
from gptcli.cli.options import SourceFlags, TextFlags
from gptcli.cli.source import open_rows

ROWS = b"".join(b"row %d\n" % number for number in range(500))


class Keyboard(BytesIO):
    """A standard input that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("name", "content", "lines"), [("a.txt", ROWS, 500), ("a.txt.gz", gzip.compress(ROWS, mtime=0), None)]
)
def test_the_lines_of_a_file_are_counted_but_not_those_of_its_compressed_bytes(
    tmp_path: Path, name: str, content: bytes, lines: int | None
) -> None:
    (tmp_path / name).write_bytes(content)
    console = Console(stdin=BytesIO(), stdout=BytesIO(), stderr=StringIO(), environment={})
    with closing(open_rows(SourceFlags(inputs=[str(tmp_path / name)]), console, "")) as rows:
        assert rows.count_lines(console) == lines
        assert len(list(rows.records)) == 500


@pytest.mark.parametrize(("flags", "called"), [(SourceFlags, "prompt"), (TextFlags, "text")])
def test_a_lone_argument_that_is_a_files_name_is_told_of(tmp_path: Path, flags: type[SourceFlags], called: str) -> None:
    (tmp_path / "my reviews.txt").write_bytes(ROWS)
    path, stderr = str(tmp_path / "my reviews.txt"), StringIO()
    console = Console(stdin=BytesIO(), stdout=BytesIO(), stderr=stderr, environment={})
    told = f"gptcli: warning: {path} is also a file: its name is taken as the {called}; -i '{path}' reads it\n"
    for prompts in ([path], [path, "another"], ["no such file"], [str(tmp_path)], ["x" * 9999]):
        with closing(open_rows(flags(prompts=prompts), console, "")) as rows:
            assert [record.columns[called] for record in rows.records] == prompts
        assert stderr.getvalue() == told


def test_a_person_who_types_the_input_is_told_how_it_ends() -> None:
    """`gptcli explain -` in a terminal waited without a word."""
    stderr = StringIO()
    console = Console(stdin=Keyboard(b"one\n"), stdout=BytesIO(), stderr=stderr, environment={})
    with closing(open_rows(TextFlags(prompts=["-"]), console, "")) as rows:
        assert [record.columns["text"] for record in rows.records] == ["one"]
    assert stderr.getvalue() == "gptcli: type a line; Ctrl-D at the beginning of a line ends the input\n"
