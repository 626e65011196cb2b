"""gptcli explain --interactive on a real terminal, a pseudo one: what is printed, and how the terminal is left."""

import signal
import termios
from pathlib import Path

import pytest

from tests.terminals import Terminal, terminal

EXPLORE = ("-m", "gptcli", "explain", "-m", "builtin", "--device", "cpu", "--interactive", "Once upon a")


def is_as_before(screen: Terminal) -> bool:
    """Return whether the terminal shows what is typed, and hands it over a line at a time, as shells need it."""
    flags = termios.tcgetattr(screen.keyboard)[3]
    return bool(flags & termios.ECHO and flags & termios.ICANON)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 20])
def test_the_text_that_was_chosen_goes_to_standard_output(tmp_path: Path, columns: int) -> None:
    result = tmp_path / "story.txt"
    with result.open("wb") as file, terminal(*EXPLORE, columns=columns, stdout=file.fileno()) as screen:
        screen.wait_for("q leave")
        assert not is_as_before(screen)
        screen.type("\rq")
        assert screen.end() == 0
        assert is_as_before(screen)
    assert result.read_text() == "Once upon a time\n"


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [("ctrl-c", 130), ("sigterm", 143)])
def test_an_interruption_prints_nothing_and_leaves_the_terminal_as_it_was(tmp_path: Path, how: str, code: int) -> None:
    result = tmp_path / "story.txt"
    with result.open("wb") as file, terminal(*EXPLORE, stdout=file.fileno()) as screen:
        screen.wait_for("q leave")
        if how == "ctrl-c":
            screen.type("\x03")
        else:
            screen.process.send_signal(signal.SIGTERM)
        assert screen.end() == code
        assert is_as_before(screen)
    assert result.read_bytes() == b""
