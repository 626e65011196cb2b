"""Attention within each row of a flat batch: rows of any lengths stand behind each other, without padding.

All of GPT-2 but its attention treats every token alike, so a batch is one line of real tokens, (1, tokens). Only here
rows are laid side by side, in groups of like lengths. A row attends to what stands before it in the row; what pads
its group stands behind it, so that causal attention never sees it, and no mask is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Where the rows of a flat batch stand, for attention."""

    groups: tuple[torch.Tensor, ...]
    """Each (rows, longest): indices of flat tokens; a shorter row repeats its last one."""
    order: torch.Tensor
    """(tokens,): for each flat token its place among the groups' places, behind each other."""

    def to(self, device: torch.device) -> "RowGroups":
        """Return them on a device."""
        return RowGroups(tuple(group.to(device) for group in self.groups), self.order.to(device))


def group_rows(lengths: Sequence[int]) -> RowGroups:
    """Group the rows of a flat batch, which have these lengths, each at least 1."""
    counts = np.asarray(lengths, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    place = np.empty(int(counts.sum()), dtype=np.int64)
    groups: list[torch.Tensor] = []
    offset = 0
    for rows in _like_lengths(counts):
        longest = int(counts[rows].max())
        steps = np.arange(longest)
        groups.append(torch.from_numpy(starts[rows][:, None] + np.minimum(steps, counts[rows][:, None] - 1)))
        real = steps < counts[rows][:, None]  # (rows, longest)
        places = offset + np.arange(len(rows) * longest).reshape(len(rows), longest)
        place[groups[-1].numpy()[real]] = places[real]
        offset += len(rows) * longest
    return RowGroups(tuple(groups), torch.from_numpy(place))


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
    queries, keys, values = (part[0].transpose(0, 1) for part in (query, key, value))  # (tokens, heads, width)
    attended: list[torch.Tensor] = []
    for index in row_groups.groups:
        sides = [part[index].transpose(1, 2) for part in (queries, keys, values)]  # (rows, heads, longest, width)
        if dropout and index.shape[1] >= LONG and torch.is_grad_enabled():
            mixed = checkpoint(_causal, *sides, dropout, scaling, use_reentrant=False)
        else:
            mixed = _causal(sides[0], sides[1], sides[2], dropout, scaling)
        attended.append(mixed.transpose(1, 2).flatten(0, 1))  # (rows * longest, heads, width)
    places = attended[0] if len(attended) == 1 else torch.cat(attended)
    return places[row_groups.order].unsqueeze(0), None


def _causal(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, scaling: float
) -> torch.Tensor:
    return scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True, scale=scaling)


def _no_mask(*_arguments: object, **_named: object) -> None:
    """Build no mask: the rows' places say it all."""


AttentionInterface.register(NAME, attend_within_rows)
AttentionMaskInterface.register(NAME, _no_mask)
