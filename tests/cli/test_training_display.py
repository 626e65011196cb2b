"""How a run shows on a terminal, on a narrow one, and in a file."""

import re
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from gptcli.cli.console import Console
from gptcli.cli.training_display import LINE_SECONDS, TrainingDisplay
from gptcli.tasks.events import Notice, Stage
from gptcli.training.events import SampleReport
from tests.cli.fake_training import evaluation, started, step


def console_of(stderr, **changes) -> Console:
    streams = {"stdin": BytesIO(), "stdout": BytesIO(), "stderr": stderr, "environment": {"NO_COLOR": "1"}}
    return Console(**(streams | changes))


def block(columns: int, *, steps: int = 50, unicode: bool = True, stopping: bool = False, **changes) -> list[str]:
    """Return the live block after some steps of 200."""
    stderr = TextIOWrapper(BytesIO(), encoding="utf-8" if unicode else "ascii")
    display = TrainingDisplay(console_of(stderr), stopping=lambda: stopping)
    display.show(started())
    for number in range(1, steps + 1):
        display.show(step(number, **changes))
    return display.lines(columns)


def story(*events, **changes) -> list[str]:
    """Return the lines that events make where there is no terminal."""
    stderr = changes.pop("stderr", None) or StringIO()
    with TrainingDisplay(console_of(stderr, **changes), stopping=lambda: False) as display:
        for event in events:
            display.show(event)
    return stderr.getvalue().splitlines()


def test_the_block_has_the_bar_the_figures_and_the_curve():
    lines = block(72)
    assert lines[0] == "━" * 18 + "─" * 54
    assert lines[1] == "step 50/200  25%  epoch 0.50  loss 3.6483  lr 5.00e-05  1,234 tokens/s"
    assert lines[2] == "1.5 GiB  0:02:30 left"
    assert [line[:6] for line in lines[3:]] == [" 3.99 ", "      ", "      ", "3.648 "]
    assert all(0x2800 <= ord(line[-1]) < 0x2900 for line in lines[3:])


@pytest.mark.parametrize("columns", [1, 5, 20, 40, 72])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_of_the_block_is_wider_than_the_terminal(columns, unicode):
    lines = block(columns, unicode=unicode, stopping=True, loss=123456.789)
    assert max(map(len, lines)) <= columns
    assert unicode or "".join(lines).isascii()


def test_a_block_of_20_columns_still_says_all_of_it():
    text = "\n".join(block(20))
    assert all(part in text for part in ("step 50/200", "loss 3.6483", "1,234 tokens/s", "0:02:30 left"))


def test_the_first_step_has_no_curve():
    assert len(block(72, steps=1)) == 3


def test_a_run_that_only_the_clock_ends_tells_no_total():
    line = story(started(total_steps=None), step(3, seconds_left=None))[1]
    assert line == "gptcli: step 3, 2%, epoch 0.03, loss 3.9700, lr 5.00e-05, 1,234 tokens/s, 1.5 GiB"


def test_a_lone_step_is_no_steps():
    assert story(started(total_steps=1, batch_size=1, asked_batch_size=1)) == [
        "gptcli: 1,000 parameters; 1 sequence a step, 1 step"
    ]


def test_who_asked_to_stop_sees_that_it_was_heard():
    assert block(72, stopping=True)[-1] == "stopping after this step; once more ends it at once"


def test_on_a_terminal_the_block_makes_room_for_reports_and_is_gone_at_the_end(screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    with TrainingDisplay(console_of(screen), stopping=lambda: False) as display:
        display.show(Stage(text="reading the data"))
        display.show(Stage(text="starting torch"))
        display.show(started())
        for number in range(1, 4):
            display.show(step(number))
        display.show(Stage(text="evaluating"))
        display.show(evaluation())
        display.show(step(4))
    drawn = screen.getvalue()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn)
    told = [line.rpartition("\r")[2] for line in plain.split("\n")]
    kept = [line for line in told if line.startswith("gptcli: ")]
    assert kept == [
        "gptcli: reading the data",
        "gptcli: starting torch",
        "gptcli: 1,000 parameters; 8 sequences a step, 200 steps",
        "gptcli: step 100: loss 2.5, macro f1 0.75 on 50 rows, the best so far",
    ]
    assert "step 4/200" in drawn
    assert drawn.endswith("\x1b[2K"), "the block is wiped away"
    assert "\x1b[3" not in drawn, "NO_COLOR is honoured"


def test_a_terminal_of_20_columns_does_not_break(screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    with TrainingDisplay(console_of(screen), stopping=lambda: False) as display:
        display.show(started())
        for number in range(1, 30):
            display.show(step(number))
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    blocks = [line.rpartition("\r")[2] for line in text.split("\n") if not line.startswith("gptcli: ")]
    assert max(map(len, blocks)) <= 20


def test_without_a_terminal_there_is_a_line_for_the_first_step_and_each_twentieth_of_the_run():
    lines = story(started(), *(step(number) for number in range(1, 201)))
    numbers = [int(re.search(r"step (\d+)/200", line)[1]) for line in lines[1:]]
    assert numbers == [1, *range(10, 201, 10)]


def test_without_a_terminal_there_is_a_line_a_minute_in_a_long_run():
    lines = story(*(step(number, of=10**6, seconds=20.0 * number) for number in range(1, 10)))
    assert LINE_SECONDS == 60
    assert [int(re.search(r"step (\d+)/?", line)[1]) for line in lines] == [1, 4, 7]


def test_what_takes_a_while_is_told_before_the_first_step_and_later_only_when_verbose():
    events = (Stage(text="reading"), started(), step(1), Stage(text="evaluating"))
    assert story(*events)[0] == "gptcli: reading"
    assert "gptcli: evaluating" not in story(*events)
    assert story(*events, verbose=True)[-1] == "gptcli: evaluating"


def test_a_stage_that_goes_on_is_told_at_its_beginning_at_its_end_and_each_minute():
    now, stderr = [0.0], StringIO()
    with TrainingDisplay(console_of(stderr), stopping=lambda: False, clock=lambda: now[0]) as display:
        for now[0], share in ((0.0, "0%"), (30.0, "5%"), (59.0, "10%"), (60.0, "65%"), (90.0, "70%")):
            display.show(Stage(text=f"tokenizing: {share}"))
        display.show(Stage(text="starting torch"))
    assert stderr.getvalue().splitlines() == [
        "gptcli: tokenizing: 0%",
        "gptcli: tokenizing: 65%",
        "gptcli: tokenizing: 70%",
        "gptcli: starting torch",
    ]


def test_on_a_terminal_only_the_last_words_of_a_stage_stay(screen):
    story(*(Stage(text=f"tokenizing: {share}%") for share in range(5)), stderr=screen)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.findall("gptcli: .*", text) == ["gptcli: tokenizing: 4%"]


def test_a_sample_is_shown_line_by_line_and_drives_no_terminal():
    sample = SampleReport(step=5, prompt="Once", text=" upon\na \x1b[31mtime", copied=0.25)
    assert story(sample) == [
        "gptcli: step 5: it writes, 25% of it word for word from the training data:",
        "gptcli:   Once upon",
        "gptcli:   a \\x1b[31mtime",
    ]


def test_a_notice_is_a_warning_and_a_detail_is_for_verbose():
    events = (Notice(text="cut"), Notice(text="seed 0", detail=True))
    assert story(*events) == ["gptcli: warning: cut"]
    assert story(*events, verbose=True) == ["gptcli: warning: cut", "gptcli: seed 0"]


def test_quiet_and_a_dumb_terminal_draw_nothing(screen):
    story(started(), step(1), stderr=screen, quiet=True)
    assert screen.getvalue() == ""
    story(started(), step(1), stderr=screen, environment={"TERM": "dumb"})
    assert "\x1b" not in screen.getvalue()
