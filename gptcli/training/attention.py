"""Attention within each row of a flat batch: rows of any lengths stand behind each other, without padding.

All of GPT-2 but its attention treats every token alike, so a batch is one line of real tokens, (1, tokens). Only here
rows are laid side by side, in groups of like lengths. A row attends to what stands before it in the row; what pads
its group stands behind it, so that causal attention never sees it, and no mask is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "gptcli_rows"
"""What the attention is called in a model's configuration while it trains."""

LEAST_SHARE = 0.75
"""A row joins a group when it is at least this part of the group's longest: at most a quarter is padding."""
SHORT = 16
"""Rows up to this length share a group whatever their lengths."""
LONG = 128
"""Dropout keeps three matrices of length x length for each head; from this length on they are computed again."""


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Where the rows of a flat batch stand, for attention: in groups, each a rectangle of places."""

    shapes: tuple[tuple[int, int], ...]
    """(rows, longest) of each group; its places stand row by row, the groups behind each other."""
    there: torch.Tensor
    """(places,): the flat token at each place; a shorter row repeats its last one."""
    back: torch.Tensor
    """(tokens,): for each flat token its own place."""

    def to(self, device: torch.device) -> "RowGroups":
        """Return them on a device."""
        return RowGroups(self.shapes, self.there.to(device), self.back.to(device))


def group_rows(lengths: Sequence[int]) -> RowGroups:
    """Group the rows of a flat batch, which have these lengths, each at least 1."""
    counts = np.asarray(lengths, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    back = np.empty(int(counts.sum()), dtype=np.int64)
    shapes: list[tuple[int, int]] = []
    there: list[NDArray[np.int64]] = []
    offset = 0
    for rows in _like_lengths(counts):
        longest = int(counts[rows].max())
        steps = np.arange(longest)
        tokens = starts[rows][:, None] + np.minimum(steps, counts[rows][:, None] - 1)  # (rows, longest)
        real = steps < counts[rows][:, None]
        places = offset + np.arange(tokens.size).reshape(tokens.shape)
        back[tokens[real]] = places[real]
        shapes.append((len(rows), longest))
        there.append(tokens.ravel())
        offset += tokens.size
    return RowGroups(tuple(shapes), torch.from_numpy(np.concatenate(there)), torch.from_numpy(back))


def _like_lengths(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Part the rows, longest first, into groups of like lengths."""
    by_length = np.argsort(-lengths, kind="stable")
    parts: list[NDArray[np.int64]] = []
    begin = 0
    for end in range(1, len(by_length) + 1):
        longest = lengths[by_length[begin]]
        if end == len(by_length) or not (lengths[by_length[end]] >= longest * LEAST_SHARE or longest <= SHORT):
            parts.append(np.sort(by_length[begin:end]))
            begin = end
    return parts


def attend_within_rows(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    row_groups: RowGroups,
    **_unused: object,  # what transformers hands to every attention function
) -> tuple[torch.Tensor, None]:
    """Attend causally within each row; query, key, value are (1, heads, tokens, width), the result (1, tokens, ...)."""
    # (places, heads, width)
    queries, keys, values = (_ToPlaces.run(part[0].transpose(0, 1), row_groups) for part in (query, key, value))
    attended: list[torch.Tensor] = []
    end = 0
    for rows, longest in row_groups.shapes:
        begin, end = end, end + rows * longest
        shape = (rows, longest, *queries.shape[1:])
        # (rows, heads, longest, width)
        sides = [part[begin:end].view(shape).transpose(1, 2) for part in (queries, keys, values)]
        if dropout and longest >= LONG and torch.is_grad_enabled():
            mixed = checkpoint(_causal, *sides, dropout, scaling, use_reentrant=False)
        else:
            mixed = _causal(sides[0], sides[1], sides[2], dropout, scaling)
        attended.append(mixed.transpose(1, 2).flatten(0, 1))  # (rows * longest, heads, width)
    places = attended[0] if len(attended) == 1 else torch.cat(attended)
    return _FromPlaces.run(places, row_groups).unsqueeze(0), None


class _ToPlaces(torch.autograd.Function):
    """Lay tokens at their places. The gradient of what only pads is zero, so each token's comes from its own place.

    Indexing would add up the gradients of all places of a token, one by one: a second a step on a GPU.
    """

    @classmethod
    def run(cls, tokens: torch.Tensor, row_groups: RowGroups) -> torch.Tensor:
        """Return (places, heads, width) of (tokens, heads, width)."""
        apply: Any = cls.apply
        laid: torch.Tensor = apply(tokens, row_groups.there, row_groups.back)
        return laid

    @staticmethod
    def forward(context: Any, tokens: torch.Tensor, there: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(back)
        return tokens.index_select(0, there)

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (back,) = context.saved_tensors
        return upstream[0].index_select(0, back), None, None


class _FromPlaces(torch.autograd.Function):
    """Take tokens from their places."""

    @classmethod
    def run(cls, places: torch.Tensor, row_groups: RowGroups) -> torch.Tensor:
        """Return (tokens, heads, width) of (places, heads, width)."""
        apply: Any = cls.apply
        taken: torch.Tensor = apply(places, row_groups.back)
        return taken

    @staticmethod
    def forward(context: Any, places: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(back)
        context.places = len(places)
        return places.index_select(0, back)

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (back,) = context.saved_tensors
        gradient = upstream[0].new_zeros(context.places, *upstream[0].shape[1:])
        return gradient.index_copy_(0, back, upstream[0]), None


def _causal(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, scaling: float
) -> torch.Tensor:
    return scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True, scale=scaling)


def _no_mask(*_arguments: object, **_named: object) -> None:
    """Build no mask: the rows' places say it all."""


AttentionInterface.register(NAME, attend_within_rows)
AttentionMaskInterface.register(NAME, _no_mask)
