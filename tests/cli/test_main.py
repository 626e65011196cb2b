"""How a run ends: exit codes and the one line that explains them."""

import errno
from io import BytesIO

import pytest

from gptcli.cli.signals import Terminated
from gptcli.errors import (
    ConfigError,
    DeviceError,
    InputError,
    MissingExtraError,
    ModelError,
    OutputError,
    TrainingError,
)

FAILURES = [
    (ConfigError("told"), 2),
    (InputError("told"), 3),
    (OutputError("told"), 3),
    (ModelError("told"), 4),
    (DeviceError("told"), 5),
    (TrainingError("told"), 6),
    (MissingExtraError("told"), 7),
]


class Broken(BytesIO):
    """A stream whose writes fail."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, data: bytes) -> int:
        raise OSError(self.number, "No space left on device")


def test_a_run_that_is_done_exits_0_and_says_nothing(gptcli):
    ended = gptcli("generate", "hello")
    assert (ended.code, ended.out, ended.err) == (0, "hello one\n", "")


@pytest.mark.parametrize(("error", "code"), FAILURES, ids=lambda value: type(value).__name__)
def test_our_errors_exit_with_their_code_and_one_line(gptcli, task, error, code):
    task.raise_at = {0: error}
    ended = gptcli("generate", "hello")
    assert (ended.code, ended.out, ended.err) == (code, "", "gptcli: error: told\n")


def test_a_bug_exits_1_with_one_line_that_says_what_to_do(gptcli, task):
    task.raise_at = {0: TypeError("two\nlines")}
    ended = gptcli("generate", "hello")
    assert ended.code == 1
    assert ended.err == "gptcli: bug: TypeError: two\\nlines; run again with --traceback\n"


@pytest.mark.parametrize("error", [TypeError("x"), ModelError("x"), KeyboardInterrupt()], ids=repr)
def test_traceback_shows_where_any_error_arose(gptcli, task, error):
    task.raise_at = {0: error}
    assert "Traceback (most recent call last)" in gptcli("generate", "hello", "--traceback").err
    task.raise_at = {0: error}
    assert "Traceback" not in gptcli("generate", "hello").err


def test_traceback_is_not_taken_from_behind_the_double_dash(gptcli, task):
    task.raise_at = {0: TypeError("x")}
    assert "Traceback" not in gptcli("generate", "--", "--traceback").err


def test_out_of_memory_exits_5_and_names_the_option_to_lower(gptcli, task):
    task.raise_at = {0: MemoryError()}
    ended = gptcli("generate", "hello")
    assert (ended.code, ended.err) == (5, "gptcli: error: out of memory: lower --batch-size\n")


@pytest.mark.parametrize(
    ("error", "code", "told"), [(KeyboardInterrupt, 130, "interrupted"), (Terminated, 143, "terminated")]
)
def test_an_interrupted_run_closes_its_task_and_exits_with_the_code_of_the_signal(gptcli, task, error, code, told):
    task.raise_at = {1: error()}
    ended = gptcli("generate", "one", "two", "--jsonl")
    assert (ended.code, ended.err) == (code, f"gptcli: {told}\n")
    assert ended.out.count("\n") == 1
    assert task.closed


def test_a_reader_that_left_ends_the_run_silently_with_141(gptcli, task):
    ended = gptcli("generate", "hello", stdout=Broken(errno.EPIPE))
    assert (ended.code, ended.err) == (141, "")
    assert task.closed


def test_a_full_disk_behind_standard_output_exits_3(gptcli):
    ended = gptcli("generate", "hello", stdout=Broken(errno.ENOSPC))
    assert (ended.code, ended.err) == (3, "gptcli: error: standard output: No space left on device\n")


@pytest.mark.parametrize(
    ("line", "told", "hint"),
    [
        ("generate x --foo", "No such option: --foo", "gptcli generate --help"),
        ("generate x -n many", "'many' is not a valid int", "gptcli generate --help"),
        ("generate x --dtype int9", "'int9' is not one of", "gptcli generate --help"),
        ("generate x --seed", "requires an argument", "gptcli generate --help"),
        ("generat x", "No such command 'generat'", "gptcli --help"),
    ],
)
def test_a_usage_error_exits_2_with_one_line_and_where_to_look(gptcli, line, told, hint):
    ended = gptcli(*line.split())
    first, second = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert first.startswith("gptcli: error: ")
    assert told in first
    assert second == f"gptcli: try {hint}"


def test_without_a_command_the_help_goes_to_stderr_and_the_code_is_2(gptcli, capsys):
    assert gptcli().code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Commands:\n  generate" in printed.err


def test_common_options_are_accepted_before_and_after_the_command(gptcli):
    assert gptcli("generate", "x", "-v").err == "gptcli: loading\n"
    assert gptcli("-v", "generate", "x").err == "gptcli: loading\n"
    ended = gptcli("-q", "generate", "x", "--verbose")
    assert (ended.code, ended.err) == (
        2,
        "gptcli: error: --quiet and --verbose contradict each other: give one of them\n",
    )


def test_quiet_says_errors_only(gptcli, task):
    task.raise_at = {1: KeyboardInterrupt()}
    assert gptcli("generate", "one", "two", "-q").err == ""
    task.raise_at = {0: ModelError("told")}
    assert gptcli("generate", "one", "-q").err == "gptcli: error: told\n"
