"""The next-token explorer: every key does what the screen says, and the text is what is left."""

import io
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from gptcli.cli.console import Console
from gptcli.cli.explorer import explore
from gptcli.cli.explorer_application import explore_at
from gptcli.cli.explorer_screen import Line, View, draw
from gptcli.cli.explorer_state import Explorer
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import ExitCode, MissingExtraError, UsageError
from gptcli.tasks.exploring import Exploration
from tests.conftest import save_random_gpt2
from tests.explorers import explored

DOWN, UP, RIGHT, LEFT, ENTER, BACKSPACE, ESCAPE = "\x1b[B", "\x1b[A", "\x1b[C", "\x1b[D", "\r", "\x7f", "\x1b"
PASTED = "\x1b[200~{}\x1b[201~"


class Screen(DummyOutput):
    """A screen of a size that nobody sees."""

    def __init__(self, columns: int) -> None:
        self._columns = columns

    def get_size(self) -> Size:
        """Return 24 lines of so many columns."""
        return Size(rows=24, columns=self._columns)


def after(exploration: Exploration, *keys: str, columns: int = 80) -> View:
    """Return what is shown once all these keys were pressed."""
    explorer = Explorer(exploration)
    with create_pipe_input() as terminal:
        for key in (*keys, "q"):
            terminal.send_text(key)
        explore_at(terminal, Screen(columns), explorer, unicode=True)
    return explorer.view


@pytest.mark.parametrize("take", [ENTER, RIGHT])
@pytest.mark.parametrize("back", [BACKSPACE, LEFT])
def test_enter_takes_the_marked_token_and_backspace_returns(tiny: Path, take: str, back: str) -> None:
    exploration = explored(tiny)
    first, second = after(exploration).choices[:2]
    assert after(exploration, DOWN, take).text == "ab" + second.text
    assert after(exploration, back).text == "ab"
    assert after(exploration, DOWN, DOWN, UP, UP, UP, take).text == "ab" + first.text
    assert after(exploration, back, back).message == "This is where the text began."


def test_arrows_stay_within_the_list(tiny: Path) -> None:
    exploration = explored(tiny)
    assert after(exploration, UP).chosen == 0
    assert after(exploration, "\x1b[6~").chosen == 10
    assert after(exploration, *["\x1b[6~"] * 12).chosen == len(after(exploration).choices) - 1


def test_keys_turn_the_options_and_the_marked_token_stays(tiny: Path) -> None:
    exploration = explored(tiny, options=SamplingOptions())
    seen = after(exploration, DOWN, "t", "t", "K", "p")
    assert seen.facts[:3] == ["temperature 0.8", "top-k 100", "top-p 0.95"]
    assert seen.chosen == 1
    assert seen.choices[-1].drawn == 0
    assert after(exploration, "T", "k", "P").facts[:3] == ["temperature 0.9", "top-k 50", "top-p 1"]
    assert after(exploration, "r").facts[:3] == ["temperature 1", "top-k 50", "top-p 1"]


def test_what_is_typed_is_added_at_enter(tiny: Path) -> None:
    exploration = explored(tiny)
    assert after(exploration, "i", " q", ENTER).text == "ab q"
    assert after(exploration, BACKSPACE).text == "ab"


@pytest.mark.parametrize("way_out", [(ESCAPE,), (BACKSPACE, BACKSPACE, BACKSPACE)])
def test_escape_or_backspace_throws_away_what_was_typed(tiny: Path, way_out: tuple[str, ...]) -> None:
    exploration = explored(tiny)
    assert after(exploration, "i", "xy", *way_out, ENTER).text == "ab" + after(exploration, BACKSPACE).choices[0].text


def test_pasted_text_is_added_whole_and_none_of_it_is_a_key(tiny: Path) -> None:
    assert after(explored(tiny), PASTED.format("quit t")).text == "abquit t"


def test_pasted_line_ends_are_those_of_files(builtin: Path) -> None:
    assert after(explored(builtin), PASTED.format("x\r\ny\rz")).text == "abx\ny\nz"


def test_an_empty_text_says_how_to_begin(tiny: Path) -> None:
    assert "i types" in after(explored(tiny, "")).message


def test_an_empty_text_without_a_token_to_begin_with_says_only_how_to_type_one(tmp_path: Path) -> None:
    """It said "Enter takes a beginning" of an empty list."""
    without = save_random_gpt2(tmp_path / "none", bos_token_id=None, eos_token_id=None)
    view = after(explored(without, ""), ENTER)
    assert (view.choices, view.message) == ((), "The text is empty: i types a beginning.")


def test_while_a_text_is_typed_the_keys_are_those_for_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They said that q leaves, and r resets."""
    keys, seen = ["i", BACKSPACE, "q"], []
    with create_pipe_input() as terminal:

        def note(*arguments: Any) -> list[Line]:
            lines = draw(*arguments)
            seen.append(lines[-1][0][1])
            terminal.send_text(keys.pop(0))
            return lines

        monkeypatch.setattr("gptcli.cli.explorer_application.draw", note)
        explore_at(terminal, Screen(200), Explorer(explored(tiny)), unicode=True)
    assert [("q leave" in line, "Escape" in line) for line in seen] == [(True, False), (False, True), (True, False)]


@pytest.mark.parametrize("columns", [1, 5, 20, 40])
def test_narrow_windows_are_explored_as_wide_ones(tiny: Path, columns: int) -> None:
    exploration = explored(tiny)
    assert len(after(exploration, ENTER, DOWN, ENTER, "i", "hello", ENTER, "t", columns=columns).text) == 9


def test_ctrl_c_interrupts_also_while_typing(tiny: Path) -> None:
    for keys in ("\x03", "i\x03"):
        with pytest.raises(KeyboardInterrupt):
            after(explored(tiny), keys)


def test_an_error_of_the_model_ends_the_explorer(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Exploration, token: int) -> None:
        raise UsageError("broken")

    monkeypatch.setattr(Exploration, "take", fail)
    with pytest.raises(UsageError, match="broken"):
        after(explored(tiny), ENTER)


class Terminal(io.BytesIO):
    """An input that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class TextTerminal(io.StringIO):
    """An output that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("stdin", "stderr", "term", "complaint"),
    [
        (io.BytesIO(), TextTerminal(), "xterm", "standard input"),
        (Terminal(), io.StringIO(), "xterm", "standard error"),
        (Terminal(), TextTerminal(), "dumb", "TERM=dumb"),
    ],
)
def test_what_is_no_terminal_is_refused_with_what_works_there(
    stdin: io.BytesIO, stderr: io.StringIO, term: str, complaint: str
) -> None:
    console = Console(stdin=stdin, stdout=io.BytesIO(), stderr=stderr, environment={"TERM": term})
    with pytest.raises(UsageError, match=rf"{complaint}.*explain --next") as raised:
        explore(console, model=ModelOptions(), text="", sampling=SamplingOptions())
    assert raised.value.exit_code == ExitCode.USAGE


def test_a_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(stdin=Terminal(), stdout=io.BytesIO(), stderr=TextTerminal(), environment={})
    monkeypatch.setattr("gptcli.cli.explorer.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[chat\]"'):
        explore(console, model=ModelOptions(), text="", sampling=SamplingOptions())
