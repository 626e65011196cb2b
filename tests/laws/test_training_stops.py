"""A run that is stopped, that finds no room, or whose loss is not finite keeps what it has, and says how to go on."""

import os
import random
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.command import PATIENCE_SECONDS, started
from tests.conftest import save_random_gpt2
from tests.forked import Ended, Forks
from tests.training.runs import COMMON, finished, left_by

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")

SEVERAL = 5
"""Moments at which a run is stopped."""
RARE = f"{COMMON} --save-every 1000 --eval-every 1000"
"""Only the end of the run is saved."""


def line(data: Path, model: Path, output: Path, options: str = COMMON) -> str:
    """Return a command line."""
    return f"finetune {data}/lm.csv -m {model} -o {output} {options}"


def interrupted(fork: Forks, command: str, output: Path) -> Ended:
    """Run a command line until its first step has begun, and press Ctrl-C."""
    return fork.run(command, signals=(signal.SIGINT,), file=str(output / "metrics.jsonl"))


def resumed(fork: Forks, output: Path) -> Mapping[str, object]:
    """Go on to the end; return what is left then."""
    finished(fork.run(f"finetune --resume {output}"))
    return left_by(output)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_lets_the_step_be_finished_and_saved_and_the_run_goes_on_to_the_same_bytes(
    fork: Forks,
    data: Path,
    tiny: Path,
    undisturbed: Mapping[str, object],
    tmp_path: Path,
    number: int,
    code: int,
    told: str,
) -> None:
    output = tmp_path / "out"
    checkpoint = output / "checkpoints" / "step-00000003"
    ended = fork.run(line(data, tiny, output), signals=(number,), file=str(checkpoint))
    assert (ended.code, ended.out) == (code, ""), ended.err
    first, second = ended.err.splitlines()[-2:]
    assert first == f"gptcli: {told}"
    note = re.fullmatch(rf"gptcli: stopped after step (\d+); go on with: gptcli finetune --resume {output}", second)
    assert note is not None, second
    newest = max(path.name for path in checkpoint.parent.iterdir())
    assert newest == f"step-{int(note[1]):08}"
    assert resumed(fork, output) == undisturbed


def test_a_second_signal_ends_the_run_at_once_and_it_goes_on_from_the_last_checkpoint(
    fork: Forks, data: Path, tiny: Path, undisturbed: Mapping[str, object], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    checkpoint = output / "checkpoints" / "step-00000004"
    ended = fork.run(line(data, tiny, output), signals=(signal.SIGINT, signal.SIGTERM), file=str(checkpoint))
    assert (ended.code, ended.out) == (143, ""), ended.err
    assert re.search(rf"\ngptcli: stopped after step [34]; go on with: .*--resume {output}\n$", ended.err)
    assert max(path.name for path in checkpoint.parent.iterdir()) == checkpoint.name
    assert resumed(fork, output) == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_was_terminated_at_random_moments_ends_in_the_same_bytes(
    fork: Forks, data: Path, tiny: Path, undisturbed: Mapping[str, object], tmp_path: Path
) -> None:
    output, moments = tmp_path / "out", random.Random(1)
    seconds = finished(fork.run(line(data, tiny, tmp_path / "timed")))
    for _ in range(SEVERAL):
        resume = "--resume" if (output / "training.toml").exists() else ""
        after = moments.uniform(0, seconds)
        ended = fork.run(f"{line(data, tiny, output)} {resume}", signals=(signal.SIGTERM,), after=after)
        # Before Python answers, the system does.
        assert ended.code in (0, 143, -signal.SIGTERM), ended.err
    if not (output / "model.safetensors").exists():
        finished(fork.run(f"finetune --resume {output}"))
    assert left_by(output) == undisturbed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_data_is_read_ends_the_run_at_once_and_leaves_nothing(
    tmp_path: Path, number: int, code: int
) -> None:
    with started(f"finetune - -m builtin -o {tmp_path}/out") as process:
        process.feed(b"text\n")
        assert process.stderr.readline() == b"gptcli: reading the data\n"
        process.popen.send_signal(number)
        assert process.popen.wait(PATIENCE_SECONDS) == code
        assert process.stderr.read().count(b"\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_no_room_for_a_checkpoint_leaves_the_one_before_whole(
    fork: Forks, data: Path, tiny: Path, undisturbed: Mapping[str, object], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert interrupted(fork, line(data, tiny, output), output).code == 130
    before = sorted((output / "checkpoints").iterdir())
    ended = fork.run(f"finetune --resume {output} -q", most_file_bytes=50_000)
    assert (ended.code, ended.out) == (6, "")
    assert re.fullmatch(
        rf"gptcli: error: {output}/checkpoints/step-\d+: cannot be written \(File too large.*\); nothing was changed;"
        rf" the last good checkpoint is {before[-1]}; once there is room, go on with --resume\n",
        ended.err,
    )
    assert sorted((output / "checkpoints").iterdir()) == before
    assert resumed(fork, output) == undisturbed


@pytest.mark.slow
def test_no_room_for_the_model_at_the_end_loses_nothing(fork: Forks, data: Path, tiny: Path, tmp_path: Path) -> None:
    output, other = tmp_path / "out", tmp_path / "other" / "out"
    finished(fork.run(line(data, tiny, other, RARE)))
    assert interrupted(fork, line(data, tiny, output, RARE), output).code == 130
    (kept,) = (output / "checkpoints").iterdir()
    ended = fork.run(f"finetune --resume {output} -q", most_file_bytes=50_000)
    assert (ended.code, ended.out) == (6, "")
    assert re.fullmatch(
        rf"gptcli: error: {output}: the model cannot be saved \(File too large.*\); once there is room, go on with"
        rf" --resume; the last good checkpoint is {kept}\n",
        ended.err,
    )
    left = {**resumed(fork, output), "names": None}
    assert left == {**left_by(other), "names": None}  # the other was never interrupted: it has no checkpoint


@pytest.mark.slow
def test_no_room_for_the_log_of_a_run_ends_it_and_it_goes_on_to_the_same_bytes(
    fork: Forks, data: Path, tiny: Path, tmp_path: Path
) -> None:
    output, other = tmp_path / "out", tmp_path / "other" / "out"
    finished(fork.run(line(data, tiny, other, RARE)))
    ended = fork.run(f"{line(data, tiny, output, RARE)} -q", most_file_bytes=3_000)
    assert (ended.code, ended.out) == (6, "")
    assert re.fullmatch(
        rf"gptcli: error: {output}/metrics.jsonl cannot be written: File too large; no good checkpoint was saved yet;"
        " once there is room, go on with --resume\n",
        ended.err,
    )
    assert resumed(fork, output) == left_by(other)


def broken(directory: Path, name: str, index: object, value: float) -> Path:
    """Save a tiny model with a value in a weight that is not finite."""
    save_random_gpt2(directory)
    weights = load_file(directory / "model.safetensors")
    weights[name][index] = value
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    return directory


def test_a_loss_that_is_not_finite_names_the_rows_at_fault_and_keeps_the_last_good_checkpoint(
    fork: Forks, tiny: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    rows = ["text,label", *(f"row {number},{number}" for number in range(30)), "row 30,1e30", "row 31,31"]
    (tmp_path / "lm.csv").write_text("\n".join([*rows, ""]))
    options = f"{COMMON} --regression --seed 1 --save-every 1 --validation-split 0"
    ended = fork.run(f"{line(tmp_path, tiny, output, options)} -q")
    assert (ended.code, ended.out) == (6, "")
    told = re.fullmatch(
        rf"gptcli: error: step (\d+): the loss is not finite \(rows {tmp_path}/lm.csv:32\);"
        rf" the last good checkpoint is ({output}/checkpoints/step-\d+); lower --lr, or look at these rows\n",
        ended.err,
    )
    assert told is not None, ended.err
    assert Path(told[2]).name == f"step-{int(told[1]) - 1:08}"
    assert (Path(told[2]) / "model.safetensors").is_file()


DIVERGING = {
    "a weight that is not a number": ("", "step 1: the loss is not finite .*; no good checkpoint was saved yet; lower"),
    "seen at the next step": ("--lr 1e30 --save-every 1", "step 2: the loss is .*; no good checkpoint was saved yet;"),
    "seen by an evaluation": ("--lr 1e38 --eval-every 1", "step 1: the loss of the held-out rows is not finite; no "),
    "seen when it is saved": ("--lr inf", "--lr must be above 0, not inf"),
    "seen in the weights alone": (
        "--lr 3e38 --weight-decay 9 --max-steps 1 --validation-split 0",
        "step 1: the weights are not finite .*; no good checkpoint was saved yet; lower --lr",
    ),
}


@pytest.mark.parametrize("case", DIVERGING)
def test_a_model_that_is_not_finite_is_never_saved_as_a_good_one(
    fork: Forks, data: Path, tiny: Path, tmp_path: Path, case: str
) -> None:
    options, told = DIVERGING[case]
    model = tiny if options else broken(tmp_path / "model", "transformer.ln_f.weight", 0, float("nan"))
    ended = fork.run(f"{line(data, model, tmp_path / 'out', COMMON)} --warmup 0 {options} -q")
    assert (ended.code, ended.out) == (2 if "inf" in options else 6, ""), ended.err
    assert re.match(f"gptcli: error: {told}", ended.err), ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out" / "model.safetensors").exists()
