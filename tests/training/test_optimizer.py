"""Muon moves every direction of a matrix alike, and decays no bias."""

import pytest
import torch
from torch import nn

from gptcli.training.optimizer import make_optimizer, orthogonalised


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (16, 16)])
def test_an_orthogonalised_matrix_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert values.min() > 0.4
    assert values.max() < 1.3


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_weight_decay_applies_to_matrices_only(name: str) -> None:
    layer = nn.Linear(4, 4)
    optimizer = make_optimizer(layer, name, lr=0.1, weight_decay=0.5)  # type: ignore[arg-type]
    decays = {
        parameter.ndim: group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]
    }
    assert decays == {2: 0.5, 1: 0.0}
