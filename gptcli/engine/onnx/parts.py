"""How a model is cut into the graphs that open side by side, and which weights each of them reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.safetensors import TensorLocation
from gptcli.checkpoint.weights import LM_HEAD, WTE

BODY_PARTS = 3
"""Packing the weights is most of a start. Three parts of the body and the head keep two cores busy to its end."""

NORMS = ("ln_1", "ln_2")
LINEAR = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """The layers from begin up to end, without end."""

    begin: int
    end: int
    n_layer: int

    @property
    def is_first(self) -> bool:
        """Return whether this part takes tokens."""
        return self.begin == 0

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


def linear_weights(config: ModelConfig, tensors: Mapping[str, TensorLocation]) -> Iterator[str]:
    """Yield the names of all matrices, which are what int8 makes smaller."""
    yield unembedding(tensors)
    for layer in range(config.n_layer):
        yield from (f"h.{layer}.{name}.weight" for name in LINEAR)


def float_weights(part: BodyPart | None, tensors: Mapping[str, TensorLocation], quantized: bool) -> Iterator[str]:
    """Yield the names of the tensors that a part, or for None the head, reads as they are."""
    if part is None:
        yield from () if quantized else (unembedding(tensors),)
        return
    if part.is_first:
        yield from (WTE, "wpe.weight")
    for layer in range(part.begin, part.end):
        yield from (f"h.{layer}.{name}.bias" for name in (*NORMS, *LINEAR))
        yield from (f"h.{layer}.{name}.weight" for name in (NORMS if quantized else (*NORMS, *LINEAR)))
    if part.is_last:
        yield from ("ln_f.weight", "ln_f.bias")
