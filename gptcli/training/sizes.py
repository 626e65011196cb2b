"""Shapes of models to pretrain, by name, and the hyperparameters that go with them. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from gptcli.checkpoint.config import ModelConfig
from gptcli.errors import ConfigError

SizeName = Literal["tiny", "mini", "small", "medium", "large", "xl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A shape under transformers' names, and the vocabulary that a tokenizer of its own gets."""

    n_layer: int
    n_head: int
    n_embd: int
    n_positions: int
    vocab_size: int
    lr: float
    """Of Muon, whose updates are scaled to AdamW's; falls with the width, as in Brown et al. (2020, table 2.1)."""


SIZES: Mapping[SizeName, Size] = MappingProxyType(
    {
        "tiny": Size(n_layer=4, n_head=4, n_embd=256, n_positions=512, vocab_size=4096, lr=3e-3),
        "mini": Size(n_layer=6, n_head=6, n_embd=384, n_positions=512, vocab_size=8192, lr=2e-3),
        "small": Size(n_layer=12, n_head=12, n_embd=768, n_positions=1024, vocab_size=50257, lr=6e-4),
        "medium": Size(n_layer=24, n_head=16, n_embd=1024, n_positions=1024, vocab_size=50257, lr=3e-4),
        "large": Size(n_layer=36, n_head=20, n_embd=1280, n_positions=1024, vocab_size=50257, lr=2.5e-4),
        "xl": Size(n_layer=48, n_head=25, n_embd=1600, n_positions=1024, vocab_size=50257, lr=2e-4),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeOptions:
    """A named size, and what differs from it; raises ConfigError for a shape that no GPT-2 has."""

    size: SizeName = "tiny"
    n_layer: int | None = None
    n_head: int | None = None
    n_embd: int | None = None
    n_positions: int | None = None

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_head", "n_embd", "n_positions"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
        shape = self.resolved()
        if shape.n_embd % shape.n_head:
            raise ConfigError(f"--n-embd {shape.n_embd} must be a multiple of --n-head {shape.n_head}")

    def resolved(self) -> Size:
        """Return the shape; the rate goes with the width."""
        size = SIZES[self.size]
        given: dict[str, Any] = {}
        for name in ("n_layer", "n_head", "n_embd", "n_positions"):
            value = getattr(self, name)
            given[name] = getattr(size, name) if value is None else value
        lr = size.lr * size.n_embd / given["n_embd"]
        return Size(**given, vocab_size=size.vocab_size, lr=lr)


def shape_config(size: Size, *, vocab_size: int) -> ModelConfig:
    """Return a new model's configuration, as far as memory depends on it; the vocabulary is its tokenizer's."""
    return ModelConfig(
        vocab_size=vocab_size,
        n_positions=size.n_positions,
        n_embd=size.n_embd,
        n_layer=size.n_layer,
        n_head=size.n_head,
        n_inner=4 * size.n_embd,
        activation="gelu_new",
        layer_norm_epsilon=1e-5,
        scale_attn_weights=True,
        scale_attn_by_inverse_layer_idx=False,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_ids=(0,),
    )
