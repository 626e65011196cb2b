"""Read config.json and generation_config.json into one typed ModelConfig."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from gptcli.checkpoint.files import CONFIG, GENERATION_CONFIG, JsonObject, read_json, read_json_if_present
from gptcli.errors import ModelError

ACTIVATIONS = {
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "relu": "relu",
    "tanh": "tanh",
    "silu": "silu",
    "swish": "silu",
}
"""Each activation_function that runs here, and the function that it is: gelu_new is by tanh, gelu by erf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The shape and the arithmetic of a GPT-2, under transformers' names."""

    vocab_size: int
    n_positions: int
    n_embd: int
    n_layer: int
    n_head: int
    n_inner: int
    """Width of the MLP, resolved: 4 * n_embd where the file has null."""
    activation: str
    """One of the values of ACTIVATIONS."""
    layer_norm_epsilon: float
    scale_attn_weights: bool
    scale_attn_by_inverse_layer_idx: bool
    tie_word_embeddings: bool
    """As the file says; the weights have the last word (Weights.tied)."""
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]

    @property
    def head_dim(self) -> int:
        """Return the width of one attention head."""
        return self.n_embd // self.n_head

    def attention_scale(self, layer: int) -> float:
        """Return the factor on query times key, by the two switches that GPT2Config has."""
        scale = self.head_dim**-0.5 if self.scale_attn_weights else 1.0
        return scale / (layer + 1) if self.scale_attn_by_inverse_layer_idx else scale


def read_config(directory: Path) -> ModelConfig:
    """Read a checkpoint's configuration; raises ModelError when it is not a GPT-2 that runs here."""
    path = directory / CONFIG
    if not path.is_file():
        raise ModelError(f"{directory}: has no {CONFIG}; give the directory of a GPT-2 checkpoint")
    raw = read_json(path)
    _refuse_other_architectures(raw, path)
    fields = _Fields(raw=raw, path=path)
    n_embd = fields.count("n_embd", 768)
    n_head = fields.count("n_head", 12)
    if n_embd % n_head:
        raise ModelError(f"{path}: n_embd {n_embd} is not divisible by n_head {n_head}")
    vocab_size = fields.count("vocab_size", 50257)
    special = _special_ids(directory)
    return ModelConfig(
        vocab_size=vocab_size,
        n_positions=fields.count("n_positions", 1024),
        n_embd=n_embd,
        n_layer=fields.count("n_layer", 12),
        n_head=n_head,
        n_inner=fields.count("n_inner", 4 * n_embd),
        activation=_activation(raw, path),
        layer_norm_epsilon=fields.number("layer_norm_epsilon", 1e-5),
        scale_attn_weights=fields.flag("scale_attn_weights", True),
        scale_attn_by_inverse_layer_idx=fields.flag("scale_attn_by_inverse_layer_idx", False),
        tie_word_embeddings=fields.flag("tie_word_embeddings", True),
        bos_token_id=next(iter(special.ids("bos_token_id", vocab_size)), None),
        eos_token_ids=special.ids("eos_token_id", vocab_size),
    )


def _refuse_other_architectures(raw: JsonObject, path: Path) -> None:
    """Raise ModelError for a model that is no GPT-2, or one with parts that do not run here."""
    # Configurations from before model_type existed have n_embd and no model_type.
    model_type = raw.get("model_type", "gpt2" if "n_embd" in raw else None)
    if model_type != "gpt2":
        found = "has no model_type" if model_type is None else f"model_type is {model_type!r}"
        raise ModelError(f"{path}: {found}, expected 'gpt2'; give a GPT-2 checkpoint")
    if raw.get("add_cross_attention"):
        raise ModelError(f"{path}: add_cross_attention is true; GPT-2 with cross-attention is not supported")


def _activation(raw: JsonObject, path: Path) -> str:
    """Return the canonical name of the activation."""
    name = raw.get("activation_function", "gelu_new")
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ModelError(f"{path}: activation_function {name!r} is not supported; supported: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _special_ids(directory: Path) -> "_Fields":
    """Choose the file that says which ids begin, end and pad: as in transformers one of them, never a mix."""
    path = directory / GENERATION_CONFIG
    if not path.is_file():
        path = directory / CONFIG
    return _Fields(raw=read_json_if_present(path), path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """Read checked values out of a JSON object; null counts as missing."""

    raw: JsonObject
    path: Path

    def count(self, key: str, default: int) -> int:
        """Return a positive integer."""
        value = self._get(key, default)
        if not _is_integer(value) or value < 1:
            raise self._wrong(key, "a positive integer")
        return value

    def number(self, key: str, default: float) -> float:
        """Return a number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def ids(self, key: str, vocab_size: int) -> tuple[int, ...]:
        """Return an id or a list of them; those that the vocabulary does not have never occur and are left out."""
        value = self._get(key, [])
        ids = tuple(value) if isinstance(value, list) else (value,)
        if not all(_is_integer(item) for item in ids):
            raise self._wrong(key, "an id or a list of ids")
        return tuple(token for token in ids if 0 <= token < vocab_size)

    def _get(self, key: str, default: object) -> object:
        value = self.raw.get(key)
        return default if value is None else value

    def _wrong(self, key: str, expected: str) -> ModelError:
        return ModelError(f"{self.path}: {key} must be {expected}, not {self.raw[key]!r}")


def _is_integer(value: object) -> TypeGuard[int]:
    """Tell whether a value is an integer of JSON, where true is none."""
    return isinstance(value, int) and not isinstance(value, bool)
