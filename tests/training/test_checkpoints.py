"""A checkpoint is trusted only when it is whole, and only by the run that it is of."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptcli.checkpoint.files import SAFETENSORS
from gptcli.errors import ConfigError, TrainingError
from gptcli.training.checkpoints import (
    RunState,
    checkpoint_at,
    newest_checkpoint,
    remove_old,
    require_identity,
    save_checkpoint,
)
from gptcli.training.files import STATE
from gptcli.training.stream import Position


def writer(step: int) -> Callable[[Path], None]:
    return lambda place: save_file({"w": torch.full((2,), float(step))}, place / SAFETENSORS)


def saved(directory: Path, *steps: int) -> None:
    for step in steps:
        state = RunState(step=step, position=Position(1, 2, step), identity={"--lr": 0.1}, best_value=0.5)
        save(directory, state)


def save(directory: Path, state: RunState) -> None:
    save_checkpoint(directory, state, writer(state.step), {"m": torch.ones(1)})


def test_the_newest_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved(tmp_path, 9, 10)
    newest = newest_checkpoint(tmp_path)
    assert newest.state == RunState(step=10, position=Position(1, 2, 10), identity={"--lr": 0.1}, best_value=0.5)
    assert load_file(newest.path / SAFETENSORS)["w"].tolist() == [10.0, 10.0]
    assert newest.optimizer()["m"].tolist() == [1.0]


@pytest.mark.parametrize("name", [SAFETENSORS, STATE])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    path = checkpoint_at(tmp_path, 2).path / name
    path.write_bytes(path.read_bytes()[:-3])
    assert newest_checkpoint(tmp_path).state.step == 1


def test_where_no_checkpoint_is_whole_the_message_says_why_and_what_to_type(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (checkpoint_at(tmp_path, 1).path / SAFETENSORS).unlink()
    with pytest.raises(TrainingError, match=r"model.safetensors cannot be read .*--overwrite"):
        newest_checkpoint(tmp_path)
    with pytest.raises(TrainingError, match="has no checkpoint"):
        newest_checkpoint(tmp_path / "elsewhere")


def test_a_checkpoint_whose_best_one_is_damaged_is_passed_over_and_not_found_out_at_the_end(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    save(tmp_path, RunState(step=3, best_step=2, identity={}))
    assert newest_checkpoint(tmp_path).state.step == 3
    (checkpoint_at(tmp_path, 2).path / SAFETENSORS).write_bytes(b"")
    found = newest_checkpoint(tmp_path)
    assert found.state.step == 1
    assert found.damaged[0].endswith(
        "step-00000003: the best one by then is step-00000002, where model.safetensors is damaged"
    )


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3, 4)
    remove_old(tmp_path, keep=2, best_step=1)
    assert sorted(path.name[-1] for path in (tmp_path / "checkpoints").iterdir()) == ["1", "3", "4"]


def test_a_checkpoint_of_other_options_is_refused_by_name(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    require_identity(checkpoint_at(tmp_path, 1), {"--lr": 0.1})
    with pytest.raises(ConfigError, match=r"--lr was 0\.1, now 0\.2"):
        require_identity(checkpoint_at(tmp_path, 1), {"--lr": 0.2})
