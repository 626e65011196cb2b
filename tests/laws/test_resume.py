"""Law 4 for generate: a run that was ended at any instant and resumed ends in the bytes of one that never was."""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import gptcli, started

PROMPTS = b"".join(b"%d was the number of the little house where\n" % number for number in range(160))
OPTIONS = "-m builtin --max-new-tokens 16 --batch-size 4 --seed 5 -n 2"
SUFFIXES = (".jsonl", ".csv", ".txt")
PATIENCE_SECONDS = 60

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


def fed(target: Path) -> subprocess.Popen[bytes]:
    """Start the run in a process of its own and give it all of its input."""
    process = started(f"generate {OPTIONS} -o {shlex.quote(str(target))}")
    assert process.stdin is not None
    process.stdin.write(PROMPTS)
    process.stdin.close()
    process.stdin = None
    return process


def wait_for_bytes(target: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as the file has grown to a size, or the process has ended."""
    while process.poll() is None and not (target.exists() and target.stat().st_size >= size):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)


@needs_signals
@pytest.mark.parametrize(("suffix", "share"), [(".jsonl", 0.0), (".jsonl", 0.6), (".csv", 0.3), (".txt", 0.1)])
def test_a_run_that_was_killed_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path, suffix: str, share: float
) -> None:
    target = tmp_path / f"out{suffix}"
    process = fed(target)
    wait_for_bytes(target, int(share * len(whole[suffix])), process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run was too fast to be killed"
    kept = target.read_bytes()
    assert whole[suffix].startswith(kept)
    assert written(target, "--resume") == whole[suffix]


@needs_signals
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_rows_says_so_and_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path, number: int, code: int
) -> None:
    target = tmp_path / "out.jsonl"
    process = fed(target)
    wait_for_bytes(target, 1, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (code, b""), err
    told = err.decode().splitlines()
    assert len(told) == 2
    assert told[1].endswith(f"rows are in {target}; continue with the same command and --resume")
    kept = target.read_bytes()
    assert kept
    assert whole[".jsonl"].startswith(kept)
    assert written(target, "--resume") == whole[".jsonl"]


@needs_signals
def test_a_full_disk_ends_in_one_line_and_the_run_is_resumed_to_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    written(tmp_path / "warm.jsonl")  # builds the graph in the cache, which the limit would forbid too
    target = tmp_path / "out.jsonl"
    line = f"generate {OPTIONS} -o {shlex.quote(str(target))}"
    process = started(line, most_file_bytes=len(whole[".jsonl"]) // 3)
    out, err = process.communicate(PROMPTS, timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (3, b""), err
    first, second = err.decode().splitlines()
    assert first.startswith(f"gptcli: error: cannot write {target}: File too large; raise the limit on file sizes")
    assert second.endswith("--resume")
    assert len(target.read_bytes()) == len(whole[".jsonl"]) // 3
    assert written(target, "--resume") == whole[".jsonl"]


def test_a_run_is_not_resumed_with_other_options(whole: dict[str, bytes], tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    journal = tmp_path / "out.jsonl.resume"
    process = fed(target)
    wait_for_bytes(target, 1, process)
    process.kill()
    process.communicate()
    before = target.read_bytes(), journal.read_bytes()
    for changed, told in (("--top-k 3", "--top-k"), ("--greedy", "--greedy"), ("--seed 6", "--seed 5")):
        ended = gptcli(f"generate {OPTIONS.replace('-n 2', '')} -o {target} --resume {changed}", PROMPTS)
        assert (ended.code, ended.out) == (2, b"")
        assert told in ended.err
        assert (target.read_bytes(), journal.read_bytes()) == before


@needs_signals
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_input_is_silent_ends_the_run_at_once(number: int, code: int) -> None:
    process = started("generate --jsonl -m builtin --max-new-tokens 2")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"index": 0')  # a row does not wait for the next line
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == code
    assert process.stderr.read().count(b"\n") == 1
    process.communicate()


@needs_signals
@pytest.mark.parametrize("is_open", [True, False], ids=["input open", "input at its end"])
def test_a_reader_that_takes_one_row_and_leaves_ends_the_run_silently(is_open: bool) -> None:
    process = started("generate --jsonl -m builtin --max-new-tokens 2 --batch-size 2")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"one\ntwo\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"index": 0')
    process.stdout.close()
    process.stdin.write(b"more\n" * 100)
    process.stdin.flush()
    if not is_open:
        process.stdin.close()
    assert process.wait(PATIENCE_SECONDS) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    with suppress(BrokenPipeError):
        process.stdin.close()
