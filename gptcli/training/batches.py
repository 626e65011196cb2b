"""Examples, the sequences that they are packed into, and the flat batches that a model computes."""

from bisect import bisect_left, insort
from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gptcli.training.attention import RowGroups, group_rows

Tokens = NDArray[np.int32]

IGNORED = -100
"""A target that is not learned, as torch's cross_entropy has it."""

LabelValue = int | tuple[int, ...] | float


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What a model sees at once of a row: it attends within it, from position 0."""

    input_ids: Tokens
    targets: Tokens | None
    """The token to predict after each input, or IGNORED; None where a label is predicted."""
    label: LabelValue | None
    origin: str
    """The place it comes from, for messages."""

    @property
    def count(self) -> int:
        """Return how many predictions of it the loss sums."""
        return 1 if self.targets is None else int((self.targets != IGNORED).sum())


Sequence = tuple[Example, ...]
"""Examples that share one sequence of at most the maximal length."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sequences laid behind each other for one pass of a model; no token of it is padding."""

    input_ids: torch.Tensor
    """(1, tokens)"""
    position_ids: torch.Tensor
    """(1, tokens), from 0 in every example"""
    row_groups: RowGroups
    predicting: torch.Tensor
    """(predictions,): the flat tokens whose hidden state predicts; the last of each example where labels are."""
    targets: torch.Tensor
    """(predictions,): the token, class or value to predict; (predictions, classes) where several may hold."""

    @property
    def tokens(self) -> int:
        """Return the number of tokens."""
        return self.input_ids.shape[1]

    def to(self, device: torch.device) -> "Batch":
        """Return it on a device."""
        return Batch(
            self.input_ids.to(device),
            self.position_ids.to(device),
            self.row_groups.to(device),
            self.predicting.to(device),
            self.targets.to(device),
        )


def make_batch(examples: Many[Example], *, num_labels: int | None = None) -> Batch:
    """Lay examples behind each other; num_labels says how many classes several of which may hold."""
    lengths = [len(example.input_ids) for example in examples]
    input_ids = np.concatenate([example.input_ids for example in examples]).astype(np.int64)
    position_ids = np.concatenate([np.arange(length) for length in lengths])
    if examples[0].targets is None:
        predicting = np.cumsum(lengths) - 1
        targets = _label_targets([example.label for example in examples], num_labels)
    else:
        flat = np.concatenate([example.targets for example in examples if example.targets is not None])
        predicting = np.flatnonzero(flat != IGNORED)
        targets = torch.from_numpy(flat[predicting].astype(np.int64))
    return Batch(
        torch.from_numpy(input_ids)[None],
        torch.from_numpy(position_ids)[None],
        group_rows(lengths),
        torch.from_numpy(predicting),
        targets,
    )


def _label_targets(labels: Many[LabelValue | None], num_labels: int | None) -> torch.Tensor:
    """Return classes as int64, several classes as float32 (rows, classes) of 0 and 1, values as float32."""
    if isinstance(labels[0], tuple):
        marks = torch.zeros(len(labels), num_labels or 0)
        for row, classes in enumerate(labels):
            marks[row, list(classes if isinstance(classes, tuple) else ())] = 1.0
        return marks
    return torch.tensor(labels)


def pack(examples: Many[Example], length: int) -> list[Sequence]:
    """Put examples of at most this many tokens into few sequences of at most as many: best fit, longest first."""
    room: list[tuple[int, int]] = []  # (tokens free, sequence), sorted
    sequences: list[list[Example]] = []
    for example in sorted(examples, key=lambda example: -len(example.input_ids)):
        needed = len(example.input_ids)
        at = bisect_left(room, (needed, 0))
        if at < len(room):
            free, chosen = room.pop(at)
        else:
            free, chosen = length, len(sequences)
            sequences.append([])
        sequences[chosen].append(example)
        insort(room, (free - needed, chosen))
    return [tuple(sequence) for sequence in sequences]
