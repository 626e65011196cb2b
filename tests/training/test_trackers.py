"""Trackers of --report-to: what is refused before anything is read."""

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from gptcli.errors import MissingExtraError
from gptcli.training import trackers
from gptcli.training.trackers import require_trackers
from tests.tuning import tune


def absent(name: str) -> ModuleSpec | None:
    """Find all but wandb."""
    return None if name == "wandb" else find_spec(name)


def test_a_tracker_that_is_not_installed_is_refused_with_the_command_that_installs_it(monkeypatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", absent)
    with pytest.raises(
        MissingExtraError, match=r'--report-to wandb needs wandb: pip install "gptcli\[wandb\]"'
    ) as error:
        require_trackers(["tensorboard", "wandb"])
    assert error.value.exit_code == 7


def test_it_is_refused_before_the_data_is_read(monkeypatch, tiny: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(trackers, "find_spec", absent)
    with pytest.raises(MissingExtraError):
        tune(tmp_path / "absent.csv", tmp_path / "out", tiny, report_to=("wandb",))
    assert not (tmp_path / "out").exists()


def test_a_directory_of_the_name_is_not_the_package(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(MissingExtraError):
        require_trackers(["wandb"])
