"""Law 4 for generate: a run that was ended at any instant and resumed ends in the bytes of one that never was."""

import os
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import PATIENCE_SECONDS, Ended, Process, gptcli, started

PROMPTS = b"".join(b"%d was the number of the little house where\n" % number for number in range(96))
OPTIONS = "-m builtin --max-new-tokens 12 --batch-size 4 --seed 5 -n 2"
SUFFIXES = (".jsonl", ".csv", ".txt")

needs_signals = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return what a run writes that nothing disturbs, by the file's suffix."""
    directory = tmp_path_factory.mktemp("whole")
    return {suffix: written(directory / f"whole{suffix}") for suffix in SUFFIXES}


def written(target: Path, options: str = "") -> bytes:
    """Run to the end in this process; return the file."""
    ended = gptcli(f"generate {OPTIONS} -o {shlex.quote(str(target))} {options}", PROMPTS)
    assert (ended.code, ended.out) == (0, b""), ended.err
    assert not target.with_name(f"{target.name}.resume").exists()
    return target.read_bytes()


def wait_for_bytes(target: Path, size: int, process: Process) -> None:
    """Return as soon as the file has grown to a size, or the process has ended."""
    while process.popen.poll() is None and not (target.exists() and target.stat().st_size >= size):
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(0.005)


def ended_by(number: int, target: Path, size: int) -> Ended:
    """Start the run in a process of its own, and send it a signal when the file has this size."""
    with started(f"generate {OPTIONS} -o {shlex.quote(str(target))}") as process:
        process.feed(PROMPTS)
        process.stdin.close()
        wait_for_bytes(target, size, process)
        process.popen.send_signal(number)
        process.popen.wait(PATIENCE_SECONDS)
        return Ended(code=process.popen.returncode, out=process.stdout.read(), err=process.stderr.read().decode())


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize(("suffix", "share"), [(".jsonl", 0.0), (".jsonl", 0.6), (".csv", 0.3), (".txt", 0.1)])
def test_a_run_that_was_killed_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path, suffix: str, share: float
) -> None:
    target = tmp_path / f"out{suffix}"
    ended = ended_by(signal.SIGKILL, target, int(share * len(whole[suffix])))
    assert ended.code == -signal.SIGKILL, "the run was too fast to be killed"
    assert whole[suffix].startswith(target.read_bytes())
    assert written(target, "--resume") == whole[suffix]


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_rows_says_so_and_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path, number: int, code: int
) -> None:
    target = tmp_path / "out.jsonl"
    ended = ended_by(number, target, 1)
    assert (ended.code, ended.out) == (code, b""), ended.err
    _, note = ended.err.splitlines()
    assert re.search(r"(1 row is|\d+ rows are) in .*out.jsonl; continue with the same command and --resume$", note)
    kept = target.read_bytes()
    assert kept
    assert whole[".jsonl"].startswith(kept)
    assert written(target, "--resume") == whole[".jsonl"]


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("cache", ["full", "empty"])
def test_a_full_disk_ends_in_one_line_and_the_run_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], builtin: Path, tmp_path: Path, cache: str
) -> None:
    target = tmp_path / "out.jsonl"
    limit = len(whole[".jsonl"]) // 3  # of every file; a graph of the model does not fit into it either
    environment = {"GPTCLI_CACHE": str(tmp_path / "cache")} if cache == "empty" else {}
    line = f"generate {OPTIONS} -m {shlex.quote(str(builtin))} -o {shlex.quote(str(target))}"
    with started(line, most_file_bytes=limit, **environment) as process:
        ended = process.end(PROMPTS)
    assert (ended.code, ended.out) == (3, b""), ended.err
    first, second = ended.err.splitlines()
    assert first.startswith(f"gptcli: error: cannot write {target}: File too large; raise the limit on file sizes")
    assert second.endswith("--resume")
    assert len(target.read_bytes()) == limit
    assert written(target, "--resume") == whole[".jsonl"]


@needs_signals
def test_a_run_is_not_resumed_with_other_options(whole: dict[str, bytes], tmp_path: Path) -> None:
    target, journal = tmp_path / "out.jsonl", tmp_path / "out.jsonl.resume"
    ended_by(signal.SIGKILL, target, 1)
    # A first resume drops the torn row at the end, if there is one.
    assert gptcli(f"generate {OPTIONS} -o {target} --resume --seed 6", PROMPTS).code == 2
    before = target.read_bytes(), journal.read_bytes()
    for changed, told in (("--top-k 3", "--top-k"), ("-n 3", "--num-samples"), ("--seed 6", "--seed 5")):
        ended = gptcli(f"generate {OPTIONS} -o {target} --resume {changed}", PROMPTS)
        assert (ended.code, ended.out) == (2, b"")
        assert told in ended.err.splitlines()[0]
        assert (target.read_bytes(), journal.read_bytes()) == before
    assert written(target, "--resume") == whole[".jsonl"]


@needs_signals
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_input_is_silent_ends_the_run_at_once(number: int, code: int) -> None:
    with started("generate --jsonl -m builtin --max-new-tokens 2") as process:
        process.feed(b"one\n")
        assert process.stdout.readline().startswith(b'{"index": 0')  # a row does not wait for the next line
        process.popen.send_signal(number)
        assert process.popen.wait(PATIENCE_SECONDS) == code
        assert process.stderr.read().count(b"\n") == 1


@needs_signals
@pytest.mark.parametrize("more_to_come", [True, False])
def test_a_reader_that_takes_one_row_and_leaves_ends_the_run_silently(more_to_come: bool) -> None:
    with started("generate --jsonl -m builtin --max-new-tokens 2 --batch-size 2") as process:
        process.feed(b"one\ntwo\n")
        assert process.stdout.readline().startswith(b'{"index": 0')
        process.stdout.close()
        process.feed(b"more\n" * 100)
        if not more_to_come:
            process.stdin.close()
        assert process.popen.wait(PATIENCE_SECONDS) == 141
        assert process.stderr.read() == b""
