"""gptcli as a process of its own: what it imports, and how it ends among pipes and signals."""

import os
import signal
import subprocess
import sys

import pytest

ENDLESS = """
import sys, time, types
from gptcli.tasks.events import Completion
def generate(config):
    record = next(iter(config.records))
    plain = dict(record=record, prompt="a", text=" one", finish_reason="length", prompt_tokens=1, new_tokens=1)
    for index in range(10**9):
        yield Completion(index=index, sample=0, logprob=-1.0, seed=1, **plain)
        if index == 1:
            print("two rows are out", file=sys.stderr, flush=True)
sys.modules["gptcli.tasks.generate"] = types.SimpleNamespace(generate=generate)
from gptcli.__main__ import main
main()
"""


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def python(code, *arguments, **options):
    """Start Python with this code, its streams buffered as they are for a user."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        **({"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, "text": True, "env": BUFFERED} | options),
    )


def test_completion_completes_commands_and_options():
    words = {"_GPTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "gptcli generate --max-n", "COMP_CWORD": "2"}
    out, _ = python("from gptcli.__main__ import main; main()", env={**BUFFERED, **words}).communicate(timeout=60)
    assert out.split() == ["--max-new-tokens"]


def test_a_reader_that_takes_one_line_and_leaves_ends_the_run_silently_with_141():
    process = python(ENDLESS, "generate", "a", "--jsonl")
    assert process.stdout.readline().startswith('{"index": 0')
    assert process.stderr.readline() == "two rows are out\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_help_that_nobody_reads_ends_silently_with_141():
    reader, writer = os.pipe()
    os.close(reader)
    process = python(ENDLESS, "--help", stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line_on_stderr():
    with open("/dev/full", "wb") as full:
        process = python(ENDLESS, "generate", "a", stdout=full)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.splitlines() == ["gptcli: error: standard output: No space left on device"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_rows_that_are_whole_and_says_how_to_go_on(tmp_path, number, code):
    target = tmp_path / "out.jsonl"
    process = python(ENDLESS, "generate", "a", "-o", str(target))
    assert process.stderr.readline() == "two rows are out\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert err.endswith(f"rows are in {target}; continue with the same command and --resume\n")
    assert target.read_text().count("\n") >= 2


SWALLOWING = """
import os, signal, sys, types
def generate(config):
    try:
        os.kill(os.getpid(), signal.{signal})
        while True: pass
    except KeyboardInterrupt:
        pass
    raise ImportError("initialization failed")
    yield
sys.modules["gptcli.tasks.generate"] = types.SimpleNamespace(generate=generate)
from gptcli.__main__ import main
main()
"""


@pytest.mark.parametrize(("name", "code", "told"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_signal_that_an_extension_makes_an_import_error_of_is_still_the_signal(name, code, told):
    process = python(SWALLOWING.replace("{signal}", name), "generate", "a")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, f"gptcli: {told}\n")


EARLY = """
import sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "gptcli.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from gptcli.__main__ import main
main()
"""


def test_ctrl_c_before_the_command_line_is_read_is_told_too():
    process = python(EARLY, "generate", "a")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "gptcli: interrupted\n")


def test_an_interrupt_that_is_ignored_stays_so():
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    process = python(ignoring + ENDLESS, "generate", "a")
    assert process.stdout.readline() == "a one\n"
    process.send_signal(signal.SIGINT)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_closed_standard_streams_are_no_bug():
    command = [sys.executable, "-m", "gptcli", "--version"]
    done = subprocess.run(["sh", "-c", '"$@" <&- >&-', "sh", *command], check=False, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
