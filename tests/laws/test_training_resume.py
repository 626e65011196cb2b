"""Law 4 for finetune and pretrain: a run that was killed at any moments and resumed ends in the bytes of one that
never was."""

import os
import random
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.forked import Ended, Forks
from tests.training.runs import COMMON, finished, left_by

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")

KILLS = 20


def killed_at_random(fork: Forks, line: str, directory: Path, *, kills: int) -> None:
    """Kill runs until so many were killed, each resumed until it ends; compare each with one that never was."""
    seconds = finished(fork.run(f"{line} -o {directory}/whole/out"))
    whole = left_by(directory / "whole" / "out")
    moments, killed, number = random.Random(0), 0, 0
    while killed < kills:
        output = directory / str(number) / "out"
        # A corpus is prepared anew each time, and killed while it is.
        fork = replace(fork, environment={**fork.environment, "GPTCLI_CACHE": str(directory / f"cache{number}")})
        while (ended := killed_once(fork, line, output, moments.uniform(0, seconds))).code < 0:
            killed += 1
        finished(ended)
        assert left_by(output) == whole
        number += 1


def killed_once(fork: Forks, line: str, output: Path, after: float) -> Ended:
    """Begin or resume a run, and kill it after so many seconds, if it does not end before."""
    resume = "--resume" if (output / "training.toml").exists() else ""
    ended = fork.run(f"{line} -o {output} {resume}", signals=(signal.SIGKILL,), after=after)
    assert ended.code in (0, -signal.SIGKILL), ended.err
    return ended


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_was_killed_at_20_random_moments_ends_in_the_same_bytes(
    fork: Forks, data: Path, tiny: Path, tmp_path: Path
) -> None:
    killed_at_random(fork, f"finetune {data}/lm.csv -m {tiny} {COMMON}", tmp_path, kills=KILLS)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_pretraining_by_muon_that_was_killed_at_random_moments_ends_in_the_same_bytes(
    fork: Forks, data: Path, tmp_path: Path
) -> None:
    shape = "--n-layer 1 --n-head 2 --n-embd 16 --n-positions 32 --vocab-size 300"
    line = f"pretrain {data}/corpus.csv {shape} {COMMON} --optimizer muon --validation-split 0.2"
    killed_at_random(fork, line, tmp_path, kills=KILLS // 2)


WRITTEN = {
    "its options are noted": "training.toml",
    "its first step is logged": "metrics.jsonl",
    "a checkpoint is half written": "checkpoints/.step-00000006.*.partial",
    "a checkpoint is whole": "checkpoints/step-00000006",
    "the model is half written": ".final/config.json",
    "the model is put in place": "README.md",
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", WRITTEN)
def test_a_run_that_was_killed_when_a_file_appeared_ends_in_the_same_bytes_and_leaves_nothing_else(
    fork: Forks, data: Path, tiny: Path, tmp_path: Path, undisturbed: Mapping[str, object], moment: str
) -> None:
    line, output = f"finetune {data}/lm.csv -m {tiny} {COMMON}", tmp_path / "out"
    ended = fork.run(f"{line} -o {output}", signals=(signal.SIGKILL,), file=f"{output}/{WRITTEN[moment]}")
    assert ended.code in (0, -signal.SIGKILL), ended.err  # the last file comes just before the end
    finished(fork.run(f"finetune --resume {output}"))
    assert left_by(output) == undisturbed


VARIANTS = {
    "dropout": "lm.csv --dropout 0.2",
    "packing": "lm.csv --packing --epochs 4",
    "gradient accumulation": "lm.csv --gradient-accumulation 2",
    "early stopping": "lm.csv --early-stopping 1 --lr 0.3 --eval-every 2",
    "lora": "lm.csv --lora 2 --lora-dropout 0.1",
    "lora merged": "lm.csv --lora 2 --merge",
    "labels": "classify.csv --dropout 0.1",
    "muon": "lm.csv --optimizer muon --schedule wsd",
}


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_of_any_kind_that_was_killed_ends_in_the_same_bytes(
    fork: Forks, data: Path, tiny: Path, tmp_path: Path, variant: str
) -> None:
    line = f"finetune {data}/{VARIANTS[variant].split()[0]} -m {tiny} {COMMON} {VARIANTS[variant].split(maxsplit=1)[1]}"
    finished(fork.run(f"{line} -o {tmp_path}/whole/out"))
    output = tmp_path / "cut" / "out"
    checkpoint = output / "checkpoints" / "step-00000004"
    ended = fork.run(f"{line} -o {output}", signals=(signal.SIGKILL,), file=str(checkpoint))
    assert ended.code == -signal.SIGKILL, ended.err
    resumed = fork.run(f"finetune --resume {output}")
    finished(resumed)
    assert " are done" in resumed.err
    assert ("--early-stopping 1: no better evaluation" in resumed.err) == (variant == "early stopping")
    assert left_by(output) == left_by(tmp_path / "whole" / "out")
