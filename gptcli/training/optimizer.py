"""The optimizers: AdamW, and Muon on the matrices of the layers with AdamW on the rest."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from gptcli.training.options import OptimizerName

ADAM_BETAS = (0.9, 0.999)
MUON_MOMENTUM = 0.95
MUON_STEPS = 5
MUON_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that takes singular values towards 1 (Jordan et al. 2024, "Muon")."""
MUON_SCALE = 0.2
"""Brings an update's root mean square to AdamW's, so that both take the same rate (Liu et al. 2025)."""


def make_optimizer(model: nn.Module, name: OptimizerName, *, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Return the optimizer of the parameters that train; weight decay applies to matrices only."""
    matrices, muon, rest = [], [], []
    for path, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim < 2:
            rest.append(parameter)
        elif name == "muon" and ".h." in path:
            muon.append(parameter)
        else:
            matrices.append(parameter)
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, betas=ADAM_BETAS, fused=True)
    muon_group: dict[str, Any] = {"params": muon, "weight_decay": weight_decay, "muon": True}
    return MuonWithAdamW([group for group in (muon_group, *groups) if group["params"]], lr=lr)


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon on the groups marked so, AdamW on the others, in float32 on every device.

    torch.optim.Muon multiplies in bfloat16, which a CPU without support for it does thirty times slower.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "muon": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step; a closure is not supported, as no loop here has one."""
        for group in self.param_groups:
            update = _muon_update if group["muon"] else _adam_update
            for parameter in group["params"]:
                if parameter.grad is not None:
                    change = update(parameter.grad, self.state[parameter])
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(change, alpha=-group["lr"])


def _muon_update(gradient: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the orthogonalised Nesterov momentum of a matrix's gradient."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    state["momentum"].lerp_(gradient, 1 - MUON_MOMENTUM)
    direction = gradient.lerp(state["momentum"], MUON_MOMENTUM)
    scale = MUON_SCALE * float(max(gradient.shape)) ** 0.5
    update: torch.Tensor = orthogonalised(direction) * scale
    return update


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """Return a matrix with the same singular vectors and singular values near 1, by Newton and Schulz's iteration."""
    a, b, c = MUON_COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(MUON_STEPS):
        product = x @ x.T
        x = a * x + (b * product + c * product @ product) @ x
    result: torch.Tensor = x.T if tall else x
    return result


def _adam_update(gradient: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return Adam's update (Kingma and Ba 2015)."""
    if not state:
        state["exp_avg"] = torch.zeros_like(gradient)
        state["exp_avg_sq"] = torch.zeros_like(gradient)
        state["step"] = torch.zeros(())
    first, second = ADAM_BETAS
    state["step"] += 1
    state["exp_avg"].lerp_(gradient, 1 - first)
    state["exp_avg_sq"].lerp_(gradient.square(), 1 - second)
    steps = int(state["step"])
    corrected: torch.Tensor = (state["exp_avg_sq"] / (1 - second**steps)).sqrt_().add_(1e-8)
    update: torch.Tensor = state["exp_avg"] / (1 - first**steps) / corrected
    return update
