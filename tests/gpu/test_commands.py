"""Each command that computes does so on a GPU, in a process of its own: it ends well, and stderr names no bug."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.classifiers import save_random_classifier
from tests.command import Ended, Process, gptcli, started
from tests.gpu.models import DEVICE
from tests.gpu.training import rows

COMMANDS = ("generate", "classify", "evaluate", "finetune", "explain")
TEXT = b"one two three\nfour five six\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with data and a classifier."""
    made = tmp_path_factory.mktemp("commands")
    rows(made)
    (made / "book.txt").write_bytes(TEXT * 9)
    (made / "sentiment").mkdir()
    save_random_classifier(made / "sentiment", "bad", "good")
    return made


@pytest.fixture(scope="module")
def processes(tiny: Path, directory: Path) -> Iterator[dict[str, Process]]:
    """Start all commands at once: most of their time goes into imports."""
    lines = {
        "generate": f"generate -m {tiny} --max-new-tokens 5 --jsonl -v",
        "classify": f"classify -m {directory}/sentiment --jsonl -v",
        "evaluate": f"evaluate {directory}/book.txt -m {tiny} --json -v",
        "finetune": f"finetune {directory}/lm.jsonl -m {tiny} -o {directory}/out --max-steps 3 --batch-size 4",
        "explain": f"explain -m {tiny} --json 'one two'",
    }
    # Fixtures of a module do not see the home that each test is given.
    places = {"HF_HOME": "hub", "GPTCLI_CACHE": "cache", "XDG_STATE_HOME": "state"}
    home: dict[str, Any] = {name: str(directory / place) for name, place in places.items()} | {"HF_HUB_OFFLINE": "1"}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(started(f"{lines[name]} --device {DEVICE}", CUDA_VISIBLE_DEVICES="0", **home))
            for name in COMMANDS
        }


@pytest.fixture(scope="module")
def ended(processes: dict[str, Process]) -> dict[str, Ended]:
    """Return how they ended."""
    return {name: process.end(TEXT) for name, process in processes.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_it_ends_well_and_names_no_bug(ended: dict[str, Ended], command: str) -> None:
    found = ended[command]
    assert found.code == 0, found.err
    assert "--traceback" not in found.err
    assert "Traceback" not in found.err
    assert "Warning" not in found.err
    assert bool(found.out) == (command != "finetune")


def test_rows_come_out_as_they_went_in(ended: dict[str, Ended]) -> None:
    assert len(ended["generate"].out.splitlines()) == len(ended["classify"].out.splitlines()) == 2


def test_a_model_that_was_tuned_there_is_used_there(ended: dict[str, Ended], directory: Path) -> None:
    assert ended["finetune"].code == 0
    again = gptcli(f"generate -m {directory}/out --device {DEVICE} --backend torch --max-new-tokens 3 one")
    assert again.code == 0, again.err


def test_a_device_that_is_full_is_told_in_one_line_with_its_exit_code(tiny: Path) -> None:
    full = gptcli(f"generate -m {tiny} --device {DEVICE} --backend torch --batch-size {10**12} one")
    assert (full.code, full.out) == (5, b"")
    assert full.err == "gptcli: error: out of memory: lower --batch-size, or use a smaller model\n"
