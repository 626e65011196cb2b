"""The tests of this directory need a CUDA device, and are skipped by name where there is none."""

import pytest

from tests.gpu.models import DEVICE


@pytest.fixture(scope="session", autouse=True)
def _device() -> None:
    """Skip where there is no device, unless GPTCLI_TEST_DEVICE names one that is no GPU."""
    import torch

    if DEVICE.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
