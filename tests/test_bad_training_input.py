"""Bad input to training of every kind: one clear line on stderr, the right exit code, and nothing lost."""

import fcntl
import re
import resource
import shutil
from io import StringIO
from pathlib import Path

import pytest

from tests.bad_training_input import DATA, LM, Case
from tests.bad_training_runs import OPTIONS, PLACES, RESUMED
from tests.command import Ended, gptcli

STEPS = "--device cpu --batch-size 2 --lr 1e-3 --save-every 1 --max-steps"


@pytest.fixture(scope="module")
def stopped(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run that was stopped before its end: it has two checkpoints and no model."""
    directory = tmp_path_factory.mktemp("stopped")
    (directory / "a.csv").write_bytes(LM)
    ended = gptcli(f"finetune {directory}/a.csv -m {tiny} -o {directory}/out --validation-split 0 {STEPS} 4")
    assert ended.code == 0, ended.err
    (directory / "out" / "model.safetensors").unlink()
    return directory


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def contents(directory: Path) -> dict[str, bytes]:
    """Return all files below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def completed(line: str, model: Path) -> str:
    """Return a command line with what it does not say: a model, an output directory, and that a step will do."""
    words = line.split()
    line += "" if "-m" in words or words[0] == "pretrain" else f" -m {model}"
    line += "" if "-o" in words else " -o out"
    return line if "--device" in words else f"{line} {STEPS} 1"


def copy_run(stopped: Path, to: Path) -> Path:
    """Copy a run and its data, as if it had been begun here; return its output directory."""
    shutil.copytree(stopped, to, dirs_exist_ok=True)
    record = to / "out" / "training.toml"
    record.write_text(record.read_text().replace(str(stopped), str(to)))
    return to / "out"


def assert_told(ended: Ended, told: str) -> None:
    """Check that a failure is told in one line, and that a warning is told once."""
    assert (ended.out, "Traceback" in ended.err) == (b"", False), ended.err
    lines = ended.err.splitlines()
    kind = "error" if ended.code else "warning"
    assert sum(bool(re.match(f"gptcli: {kind}: .*{told}", line)) for line in lines) == 1, ended.err
    assert not ended.code or len([line for line in lines if "error" in line or "warning" in line]) == 1, ended.err


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] * case.slow)
        for case in (*DATA, *OPTIONS, *PLACES, *RESUMED)
    ],
)
def test_bad_input_to_training_ends_in_one_clear_line_and_nothing_is_lost(
    case: Case, tiny: Path, stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    if case.damage is not None:
        case.damage(copy_run(stopped, tmp_path))
    before = contents(tmp_path)
    ended = gptcli(completed(case.line, tiny) if case.damage is None else case.line)
    assert ended.code == case.code, ended.err
    assert_told(ended, case.told)
    assert capsys.readouterr() == ("", "")
    after = contents(tmp_path)
    if ended.code:
        assert after == before
    else:
        assert "out/model.safetensors" in after
        assert {name: after[name] for name in case.files} == case.files


def test_a_file_that_changes_while_it_is_read_is_refused(tiny: Path, tmp_path: Path) -> None:
    class Meddler(StringIO):
        """Writes to the file as soon as it is told that it is being read."""

        def write(self, text: str) -> int:
            if "no header" in text:
                with (tmp_path / "a.csv").open("ab") as file:
                    file.write(b"a late row,good\n")
            return super().write(text)

    rows = b"".join(b"the text of row %d,%s\n" % (n, b"bad" if n % 2 else b"good") for n in range(12))
    (tmp_path / "a.csv").write_bytes(rows)
    ended = gptcli(f"finetune a.csv -m {tiny} -o out", stderr=Meddler())
    assert ended.code == 3
    assert ended.err.endswith(
        "gptcli: error: a.csv has changed while it was read: start again when nothing writes to it\n"
    )
    assert not (tmp_path / "out").exists()


def test_no_disk_space_ends_with_exit_6_and_the_same_command_resumes(stopped: Path, tmp_path: Path) -> None:
    output = copy_run(stopped, tmp_path)
    before = contents(output / "checkpoints")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))  # of every file, as on a disk that is nearly full
    try:
        ended = gptcli("finetune --resume out -q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ended.code == 6
    assert_told(ended, r"File too large.*; the last good checkpoint is out/checkpoints/step-00000003")
    assert contents(output / "checkpoints") == before
    assert gptcli("finetune --resume out -q") == Ended(code=0, out=b"", err="")


def test_two_runs_do_not_write_to_one_directory(stopped: Path, tmp_path: Path) -> None:
    output = copy_run(stopped, tmp_path)
    before = contents(output)
    with (output / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for line in ("--resume out", "--config out/training.toml -o out --overwrite"):
            ended = gptcli(f"finetune {line} -q")
            assert ended.code == 2
            assert_told(ended, "out: another run is writing there: wait for it, or give another -o")
    assert contents(output) == before
