"""What the tests of the laws of training share."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.forked import Forks, forks
from tests.training.runs import COMMON, finished, left_by, write_rows


@pytest.fixture(scope="package")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Return what runs command lines in forks."""
    with forks(GPTCLI_CACHE=str(tmp_path_factory.mktemp("cache")), HF_HUB_OFFLINE="1") as found:
        yield found


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of rows."""
    return write_rows(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="package")
def undisturbed(fork: Forks, data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """Return what a plain run leaves that nothing disturbs."""
    output = tmp_path_factory.mktemp("whole") / "out"
    finished(fork.run(f"finetune {data}/lm.csv -m {tiny} -o {output} {COMMON}"))
    return left_by(output)
