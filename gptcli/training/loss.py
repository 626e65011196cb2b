"""Cross entropy over a large vocabulary that never holds the logits of a whole batch.

The logits are computed a chunk of tokens at a time; where gradients are wanted, each chunk's are taken at once, while
its logits are there, so that nothing is computed twice. The gradient of the logits is softmax(logits) - target.
"""

from typing import Any

import torch

CHUNK_ELEMENTS = 1 << 24
"""Logits at once: 64 MiB in float32."""


def linear_cross_entropy(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, *, label_smoothing: float = 0.0
) -> torch.Tensor:
    """Return the summed cross entropy, in nats, of hidden (tokens, width) times weight (vocab, width) transposed.

    Equal to torch's cross_entropy(hidden @ weight.T, targets, reduction="sum", label_smoothing=label_smoothing).
    Matrices are multiplied in autocast's type where it is on, all else is float32.
    """
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    apply: Any = _LinearCrossEntropy.apply
    summed: torch.Tensor = apply(hidden, weight, targets, label_smoothing, dtype)
    return summed


def token_losses(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy of each token, (tokens,), in nats and float32; without gradients."""
    with torch.no_grad():
        losses = []
        for rows in _chunks(len(targets), weight.shape[0]):
            logits = (hidden[rows] @ weight.T).float()
            wanted = logits.gather(1, targets[rows, None])[:, 0]
            losses.append(logits.logsumexp(1) - wanted)
        return torch.cat(losses) if losses else hidden.new_zeros(0, dtype=torch.float32)


def _chunks(tokens: int, vocab_size: int) -> list[slice]:
    size = max(1, CHUNK_ELEMENTS // vocab_size)
    return [slice(begin, min(begin + size, tokens)) for begin in range(0, tokens, size)]


class _LinearCrossEntropy(torch.autograd.Function):
    """The loss and, taken with it, its gradients for an upstream gradient of 1; backward scales them."""

    @staticmethod
    def forward(
        context: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        targets: torch.Tensor,
        label_smoothing: float,
        dtype: torch.dtype,
    ) -> torch.Tensor:
        wants_hidden, wants_weight = context.needs_input_grad[:2]
        device = hidden.device.type
        with torch.autocast(device, enabled=False):
            inputs, head = hidden.to(dtype), weight.to(dtype)
            hidden_grad = torch.empty_like(inputs) if wants_hidden else None
            weight_grad = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            chunks = _chunks(len(targets), weight.shape[0])
            # One room for all chunks: asking for such memory anew costs a CPU more than the exponentials.
            room = total.new_empty(max((rows.stop - rows.start for rows in chunks), default=0), weight.shape[0])
            for rows in chunks:
                logits = room[: rows.stop - rows.start]
                _multiply(inputs[rows], head.T, out=logits)
                total += _loss_and_gradient(logits, targets[rows], label_smoothing)
                gradient = logits.to(dtype)
                if hidden_grad is not None:
                    torch.mm(gradient, head, out=hidden_grad[rows])
                if weight_grad is not None:
                    _add_product(weight_grad, gradient, inputs[rows])
        context.gradients = (hidden_grad, weight_grad)
        context.dtypes = (hidden.dtype, weight.dtype)
        return total

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_grad, weight_grad = context.gradients
        context.gradients = None  # the weight's is as large as the weight
        scaled = [
            None if gradient is None else gradient.mul_(upstream[0].to(gradient.dtype)).to(dtype)
            for gradient, dtype in zip((hidden_grad, weight_grad), context.dtypes, strict=True)
        ]
        return (*scaled, None, None, None)


def _loss_and_gradient(logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Return the summed loss of a chunk (tokens, vocab); its logits become their gradient in place."""
    wanted = logits.gather(1, targets[:, None])
    mean = logits.mean(1, keepdim=True) if label_smoothing else None
    largest = logits.amax(1, keepdim=True)
    logits.sub_(largest).exp_()
    total = logits.sum(1, keepdim=True)
    logits.div_(total)
    log_sum = total.log_().add_(largest)
    loss = (log_sum - wanted).sum() * (1 - label_smoothing)
    if mean is not None:
        loss = loss + (log_sum - mean).sum() * label_smoothing
        logits.sub_(label_smoothing / logits.shape[1])
    logits.scatter_add_(1, targets[:, None], torch.full_like(wanted, label_smoothing - 1))
    return loss


def _multiply(left: torch.Tensor, right: torch.Tensor, *, out: torch.Tensor) -> None:
    """Write left @ right to a float32 matrix."""
    if left.dtype == out.dtype:
        torch.mm(left, right, out=out)
    else:
        out.copy_(left @ right)


def _add_product(total: torch.Tensor, gradient: torch.Tensor, inputs: torch.Tensor) -> None:
    """Add gradient.T @ inputs to a float32 total."""
    if gradient.dtype == total.dtype:
        total.addmm_(gradient.T, inputs)
    else:
        total += gradient.T @ inputs
