"""How a model is cut into the graphs that open side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from gptcli.checkpoint.safetensors import TensorLocation
from gptcli.checkpoint.weights import LM_HEAD, WTE

BODY_PARTS = 3
"""Packing the weights is most of a start. Three parts of the body and the head keep two cores busy to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """The layers from begin up to end, without end."""

    begin: int
    end: int
    n_layer: int

    @property
    def is_last(self) -> bool:
        """Return whether this part gives the final hidden states."""
        return self.end == self.n_layer


def body_parts(n_layer: int) -> tuple[BodyPart, ...]:
    """Cut the body into parts of about as many layers each."""
    count = min(BODY_PARTS, n_layer)
    edges = [n_layer * number // count for number in range(count + 1)]
    return tuple(BodyPart(begin=begin, end=end, n_layer=n_layer) for begin, end in pairwise(edges))


def unembedding(tensors: Mapping[str, TensorLocation]) -> str:
    """Name the weight that turns hidden states into logits: the token embedding, unless a model has another."""
    return LM_HEAD if LM_HEAD in tensors else WTE
