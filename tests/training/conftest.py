"""What the tests of training share."""

from pathlib import Path

import pytest

from tests.training.loading import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that makes a file and returns its path."""

    def make(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make
