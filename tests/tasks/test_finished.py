"""A run that has come to its end is left as it is, by all of its processes."""

import io
from pathlib import Path

import pytest

from gptcli.data.options import DataOptions
from gptcli.tasks.events import Notice
from gptcli.tasks.finetune import finetune
from gptcli.tasks.pretrain import pretrain
from gptcli.tasks.training_config import FinetuneConfig, PretrainConfig, RunOptions


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("command", ["finetune", "pretrain"])
def test_a_finished_run_is_gone_on_with_by_none_of_its_processes(tmp_path: Path, command: str, rank: int) -> None:
    """The main process alone saw it: the others began, and waited for it in torch for a day."""
    for name in ("training.toml", "model.safetensors"):
        (tmp_path / name).touch()
    run = RunOptions(output=str(tmp_path), device="cpu", resume=True, rank=rank)
    if command == "finetune":
        events = list(finetune(FinetuneConfig(data=DataOptions(paths=("gone.csv",)), stdin=io.BytesIO(), run=run)))
    else:
        events = list(pretrain(PretrainConfig(paths=("gone.txt",), run=run)))
    assert events == [Notice(text=f"{tmp_path} is finished: there is nothing to resume")]
