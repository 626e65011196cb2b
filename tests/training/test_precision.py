"""Half precision on a CPU: bf16 trains, fp16 is refused."""

from pathlib import Path

import numpy as np
import pytest

from gptcli.errors import DeviceError
from tests.tuning import tune, write_rows

RUN = {"lr": 1e-3, "epochs": 2.0, "batch_size": 4, "validation_split": 0.0}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a file of rows."""
    return write_rows(tmp_path / "rows.jsonl", [{"text": "abcde "[n % 5] * (n + 2) + " end"} for n in range(12)])


def test_bf16_learns_on_a_cpu_what_float32_does_to_a_few_percent(rows: Path, tmp_path: Path, tiny: Path) -> None:
    exact = tune(rows, tmp_path / "exact", tiny, **RUN)
    half = tune(rows, tmp_path / "half", tiny, mixed_precision="bf16", **RUN)
    assert half.losses != exact.losses
    np.testing.assert_allclose(half.losses, exact.losses, rtol=0.03)
    assert exact.losses[-1] < exact.losses[0]


def test_fp16_on_a_cpu_is_refused(rows: Path, tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(DeviceError, match="--mixed-precision fp16 needs a GPU: on a CPU leave it out, or give bf16"):
        tune(rows, tmp_path / "out", tiny, mixed_precision="fp16", **RUN)
    assert not (tmp_path / "out").exists()
