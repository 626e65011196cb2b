"""The loss equals torch's own cross entropy, its gradients too, and no chunk of it can be told from another."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from gptcli.training import loss
from gptcli.training.loss import linear_cross_entropy, token_losses


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("chunk_elements", [1, 150, 1 << 24])
def test_the_loss_and_its_gradients_equal_those_of_whole_logits(
    label_smoothing: float, chunk_elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "CHUNK_ELEMENTS", chunk_elements)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(13, 8, generator=generator, requires_grad=True)
    weight = torch.randn(50, 8, generator=generator, requires_grad=True)
    targets = torch.randint(0, 50, (13,), generator=generator)
    ours = linear_cross_entropy(hidden, weight, targets, label_smoothing=label_smoothing)
    gradients = torch.autograd.grad(ours * 3, (hidden, weight))
    theirs = cross_entropy(hidden @ weight.T, targets, reduction="sum", label_smoothing=label_smoothing)
    expected = torch.autograd.grad(theirs * 3, (hidden, weight))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_frozen_head_costs_no_gradient() -> None:
    hidden = torch.randn(4, 8, requires_grad=True)
    linear_cross_entropy(hidden, torch.randn(20, 8), torch.tensor([1, 2, 3, 4])).backward()
    assert hidden.grad is not None


def test_the_losses_of_tokens_sum_to_the_loss() -> None:
    hidden, weight, targets = torch.randn(9, 8), torch.randn(30, 8), torch.randint(0, 30, (9,))
    summed = linear_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(token_losses(hidden, weight, targets).sum(), summed, rtol=1e-5, atol=1e-5)
