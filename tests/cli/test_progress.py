"""The live line: shown to a person who waits, gone before anything else is written."""

from io import BytesIO, StringIO

import pytest

from gptcli.cli.console import Console
from gptcli.cli.progress import Progress, summary


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def console(screen) -> Console:
    return Console(stdin=BytesIO(), stdout=BytesIO(), stderr=screen, environment={"NO_COLOR": "1"})


def progress_of(console, clock, **changes):
    return Progress(console, **({"lines": 10, "shared": False, "clock": clock} | changes))


def test_the_summary_tells_rows_speed_and_the_time_left():
    assert summary(rows=1, share=0.25, tokens=3000, seconds=2.0) == "1 rows (25%), 1,500 tokens/s, 0:00:06 left"
    assert summary(rows=1234, share=None, tokens=0, seconds=2.0) == "1,234 rows, 0 tokens/s"


def test_progress_appears_only_once_the_work_has_taken_two_seconds(console):
    clock = Clock()
    with progress_of(console, clock) as progress:
        clock.now = 1.9
        progress.count(tokens=5, line=1)
        assert console.stderr.getvalue() == ""
        clock.now = 2.1
        progress.count(tokens=5, line=2)
    assert "2 rows (20%)" in console.stderr.getvalue()


def test_a_live_line_does_not_hide_what_a_person_types(console):
    """`gptcli explain -` drew its spinner over the line that was being typed."""
    with progress_of(console, Clock(), typed=True) as progress:
        progress.stage("explaining")
        assert console.stderr.getvalue() == ""


def test_a_message_is_written_where_the_line_was(console):
    with progress_of(console, Clock()) as progress:
        progress.stage("loading")
        progress.warn("cut")
        assert console.stderr.getvalue().endswith("\x1b[2Kgptcli: warning: cut\n")


def test_the_line_is_gone_before_a_result_is_written_to_the_same_terminal(console):
    clock = Clock()
    with progress_of(console, clock, shared=True) as progress:
        progress.stage("loading")
        progress.make_room()
        cleared = console.stderr.getvalue()
        assert cleared.endswith("\x1b[2K")
        clock.now = 10.0
        progress.count(tokens=5, line=1)
        assert console.stderr.getvalue() == cleared


@pytest.mark.parametrize(
    "changes",
    [{"quiet": True}, {"environment": {"TERM": "dumb"}}, {"stderr": StringIO()}],
    ids=["quiet", "dumb", "no terminal"],
)
def test_nothing_is_drawn_for_quiet_a_dumb_terminal_or_a_file(screen, changes):
    streams = {"stdin": BytesIO(), "stdout": BytesIO(), "stderr": screen, "environment": {}}
    console = Console(**(streams | changes))
    with progress_of(console, Clock()) as progress:
        progress.stage("loading")
    assert console.stderr.getvalue() == ""


def test_no_color_is_honoured(console):
    with progress_of(console, Clock()) as progress:
        progress.stage("loading [bold]x[/bold]\nmore")
    drawn = console.stderr.getvalue()
    assert "loading [bold]x[/bold]\\nmore" in drawn
    assert "\x1b[3" not in drawn


def test_a_resumed_run_reckons_its_share_from_where_it_began(console):
    clock = Clock()
    with progress_of(console, clock, lines=100) as progress:
        progress.count(tokens=5, line=91)
        clock.now = 10.0
        progress.count(tokens=5, line=92)
    assert "2 rows (20%)" in console.stderr.getvalue()
