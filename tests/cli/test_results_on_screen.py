"""Results on a terminal: text of anybody does not drive it; in a pipe it goes out as it came in."""

from io import BytesIO

import pytest

from gptcli.cli.console import Console
from gptcli.cli.main import run
from tests.command import Screen, ScreenOutput

HOSTILE = "a\x1b]0;title\x07b\x9b31mc"
ESCAPED = r"a\x1b]0;title\x07b\x9b31mc"


@pytest.mark.parametrize(
    "options",
    [
        "generate -m builtin --max-new-tokens 1 --input -",
        "classify -m builtin --labels yes,no",
        "explain -m builtin --above 0",
        "explain -m builtin --scores --above 0",
    ],
)
def test_controls_in_a_text_are_escaped_on_a_terminal_and_kept_in_a_pipe(options: str) -> None:
    """Was: explain --above wrote a log's escapes to the terminal as they stood."""
    assert ESCAPED in written(options, ScreenOutput(), HOSTILE.encode())
    assert HOSTILE in written(options, BytesIO(), HOSTILE.encode())


def test_a_byte_that_is_no_text_is_shown_by_its_number() -> None:
    console = Console(stdin=BytesIO(), stdout=ScreenOutput(), stderr=Screen(), environment={})
    assert console.printable(b"\xff \x9b31m \xc3\xa9\r\n") == b"\\xff \\x9b31m \xc3\xa9\r\n"


def written(options: str, stdout: BytesIO, stdin: bytes) -> str:
    """Return what a command writes to its standard output."""
    console = Console(stdin=BytesIO(stdin), stdout=stdout, stderr=Screen(), environment={"TERM": "dumb"})
    assert run(options.split(), console) == 0
    return stdout.getvalue().decode()
