"""gptcli chat on a real terminal, a pseudo one: keys in, screen out, and how the process ends."""

import signal
import termios
from pathlib import Path

import pytest

from tests.terminals import terminal

CHAT = ("-m", "gptcli", "chat", "-m", "builtin", "--device", "cpu", "--seed", "1")
WITHOUT_EDITOR = "import sys; sys.modules['prompt_toolkit'] = None; from gptcli.__main__ import main; main()"
PLAIN = ("-c", WITHOUT_EDITOR, *CHAT[2:])
READY = "lists the commands"


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose state directory is this test's own."""
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [CHAT, PLAIN], ids=["prompt_toolkit", "input"])
def test_a_person_talks_leaves_with_ctrl_d_and_finds_the_history_again(
    arguments: tuple[str, ...], state: dict[str, str]
) -> None:
    with terminal(*arguments, "--max-new-tokens", "5", **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r")
        screen.wait_for("perhaps in the middle of a sentence")
        screen.say("\x04")
        assert screen.end() == 0
    with terminal(*arguments, **state) as screen:
        screen.wait_for(READY)
        screen.say("\x1b[A")
        screen.wait_for("Hello")
        screen.type("\x15/exit\r")
        assert screen.end() == 0


@pytest.mark.parametrize("arguments", [CHAT, PLAIN], ids=["prompt_toolkit", "input"])
def test_ctrl_c_stops_an_answer_and_at_the_prompt_tells_how_to_leave(
    arguments: tuple[str, ...], state: dict[str, str]
) -> None:
    with terminal(*arguments, "--max-new-tokens", "400", "--min-new-tokens", "390", **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r")
        screen.wait_for(r"Hello\r*\n")
        screen.wait_for(r"\w")
        screen.type("\x03")
        screen.wait_for("what came is kept")
        screen.wait_for(">")
        screen.insist(lambda: screen.type("\x03"), "Ctrl-D leaves")
        screen.say("/undo\r")
        screen.wait_for("taken back, with its answer: Hello")
        screen.say("\x04")
        assert screen.end() == 0


def test_ctrl_c_right_behind_enter_stops_the_answer_and_ctrl_d_behind_ctrl_c_leaves(state: dict[str, str]) -> None:
    """The answer went on to its end, and the Ctrl-D was swallowed."""
    with terminal(*CHAT, "--max-new-tokens", "400", "--min-new-tokens", "390", **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r\x03")
        screen.wait_for("your message is taken back|what came is kept")
        screen.say("\x03\x04")
        screen.wait_for("Ctrl-D leaves")
        assert screen.end() == 0


def test_behind_ctrl_c_or_ctrl_d_on_a_dumb_terminal_a_new_line_begins(state: dict[str, str]) -> None:
    """`> > $` stood on one line."""
    with terminal(*CHAT, "--quiet", TERM="dumb", **state) as screen:
        screen.wait_for("> ")
        screen.insist(lambda: screen.type("\x03"), r"\r?\n> ")
        screen.type("\x04")
        assert screen.end() == 0
    assert screen.written.endswith(b"> \r\n")


@pytest.mark.parametrize("arguments", [CHAT, PLAIN], ids=["prompt_toolkit", "input"])
def test_sigterm_at_the_prompt_ends_it_and_leaves_the_terminal_as_it_was(
    arguments: tuple[str, ...], state: dict[str, str]
) -> None:
    with terminal(*arguments, **state) as screen:
        before = termios.tcgetattr(screen.keyboard)
        screen.wait_for(READY)
        screen.wait_for(">")
        screen.insist(lambda: screen.process.send_signal(signal.SIGTERM), "terminated")
        after = termios.tcgetattr(screen.keyboard)
        assert screen.end() == 143
        assert after[3] == before[3]


def test_a_dumb_terminal_gets_plain_lines_and_no_escapes(state: dict[str, str]) -> None:
    with terminal(*CHAT, "--max-new-tokens", "5", TERM="dumb", NO_COLOR="1", **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r")
        screen.wait_for("perhaps in the middle of a sentence")
        screen.say("/exit\r")
        assert screen.end() == 0
        assert b"\x1b" not in screen.written


def test_where_stdout_is_a_file_it_holds_the_answers_alone(tmp_path: Path, state: dict[str, str]) -> None:
    path = tmp_path / "answers.txt"
    with path.open("wb") as file, terminal(*CHAT, "--max-new-tokens", "5", stdout=file.fileno(), **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r")
        screen.wait_for("perhaps in the middle of a sentence")
        screen.say("\x04")
        assert screen.end() == 0
    assert path.read_text().count("\n") >= 1
    assert "gptcli" not in path.read_text()
    assert ">" not in path.read_text()


def test_what_is_typed_during_an_answer_is_read_behind_it_and_not_shown_in_it(state: dict[str, str]) -> None:
    with terminal(*CHAT, "--max-new-tokens", "60", "--min-new-tokens", "60", **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello\r")
        screen.wait_for(r"Hello\r*\n")
        screen.wait_for(r"\w")
        screen.type("/undo\n\x04")
        answer = screen.wait_for("perhaps in the middle of a sentence")
        assert "/undo" not in answer
        screen.wait_for("taken back, with its answer: Hello")
        assert screen.end() == 0


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_shows_all_of_a_conversation(columns: int, state: dict[str, str]) -> None:
    with terminal(*CHAT, "--max-new-tokens", "30", columns=columns, **state) as screen:
        screen.wait_for(READY)
        screen.say("Hello there, I am a person with much to say\r")
        screen.wait_for("perhaps in the middle of a sentence")
        screen.say("/help\r")
        screen.wait_for(r"leave, as Ctrl-D\s+does")
        screen.say("\x04")
        assert screen.end() == 0
