"""Fold an adapter into its base model's weights: once, into the cache, so that an engine sees one checkpoint."""

import json
import shutil
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.adapter import SCORE, Adapter, LowRank
from gptcli.checkpoint.cache import cached_directory, identity
from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    CONFIG,
    GENERATION_CONFIG,
    SAFETENSORS,
    TEMPLATE,
    TOKENIZER_FILES,
    JsonObject,
    has_tokenizer,
    read_json,
    weight_files,
)
from gptcli.checkpoint.safetensors import write_float32
from gptcli.checkpoint.weights import LM_HEAD, WTE, Weights, open_weights, read_tensor
from gptcli.errors import ModelError

_PREFIX = "transformer."

OnBytes = Callable[[int, int], None]
"""Called with the bytes written and the bytes in all."""


def folded(adapter: Adapter, base: Path, on_bytes: OnBytes) -> Path:
    """Return a checkpoint of the base model with the adapter in its weights; raises ModelError."""
    sources = _small_files(adapter, base)
    weights = [path for path in weight_files(base) if path.is_file()]
    own = [adapter.directory / name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)]
    key = identity([*own, *sources.values(), *weights], scheme="folded-1")
    return cached_directory(adapter.directory, key, lambda path: _fold(adapter, base, sources, path, on_bytes))


def _small_files(adapter: Adapter, base: Path) -> dict[str, Path]:
    """Choose every file but the weights: the adapter's own where it has one, the tokenizer's as a set."""
    tokenizer = adapter.directory if has_tokenizer(adapter.directory) else base
    places: dict[str, tuple[Path, ...]] = dict.fromkeys((CONFIG, GENERATION_CONFIG), (adapter.directory, base))
    places |= dict.fromkeys(TOKENIZER_FILES, (tokenizer,))
    # The base's own template is for what it was tuned on, not for what the adapter was.
    places[TEMPLATE] = (adapter.directory,)
    chosen = {}
    for name, directories in places.items():
        there = [directory / name for directory in directories if (directory / name).is_file()]
        if there:
            chosen[name] = there[0]
    return chosen


def _fold(adapter: Adapter, base: Path, sources: dict[str, Path], directory: Path, on_bytes: OnBytes) -> None:
    """Write the checkpoint into an empty directory."""
    config = read_config(base)
    weights = open_weights(base, config)
    _check(adapter, base, config, weights)
    for name, path in sources.items():
        shutil.copyfile(path, directory / name)
    if adapter.score is not None and sources[CONFIG].parent == base:
        settings = read_json(base / CONFIG) | _classifier_settings(labels=adapter.score.shape[0])
        (directory / CONFIG).write_text(json.dumps(settings, indent=2), encoding="utf-8")
    places = {name: place for name, place in weights.tensors.items() if name != SCORE}
    if adapter.score is not None:
        places.pop(LM_HEAD, None)
        places[SCORE] = adapter.score
    shapes = {_saved_name(name): place.shape for name, place in places.items()}
    shapes[_saved_name(WTE)] = (read_config(directory).vocab_size, config.n_embd)
    total = sum(4 * prod(shape) for shape in shapes.values())
    done = 0

    def read(saved_name: str) -> NDArray[np.float32]:
        nonlocal done
        name = saved_name.removeprefix(_PREFIX)
        value = _padded(read_tensor(places[name]), shapes[saved_name])
        done += value.nbytes
        on_bytes(done, total)
        return value + _delta(adapter.updates[name]) if name in adapter.updates else value

    write_float32(directory / SAFETENSORS, shapes, read)


def _check(adapter: Adapter, base: Path, config: ModelConfig, weights: Weights) -> None:
    """Raise ModelError where the adapter is of a model of another shape."""
    path = adapter.directory / ADAPTER_WEIGHTS
    for name, update in adapter.updates.items():
        wanted = (update.a.shape[1], update.b.shape[0])
        found = weights.tensors[name].shape if name in weights.tensors else None
        if wanted != found:
            has = "has no such weight" if found is None else f"has {found}"
            raise ModelError(
                f"{path}: {name} is for shape {wanted}, but its base {base} {has}; it adapts another model"
            )
    if adapter.score is not None and adapter.score.shape[1:] != (config.n_embd,):
        raise ModelError(
            f"{path}: {SCORE} has shape {adapter.score.shape}, but its base {base} has {config.n_embd} units"
        )
    own = adapter.directory / CONFIG
    if own.is_file() and not _fits(read_config(adapter.directory), config, adapter):
        raise ModelError(f"{own}: is of another shape than the base {base}; remove it, or give the right base")


def _fits(own: ModelConfig, base: ModelConfig, adapter: Adapter) -> bool:
    """Tell whether two configurations can be of the same weights: a classifier may add a token that only pads."""
    # A language model that gained a token would have to predict it.
    vocabulary = own.vocab_size >= base.vocab_size if adapter.score is not None else own.vocab_size == base.vocab_size
    return vocabulary and _shape(own) == _shape(base)


def _shape(config: ModelConfig) -> tuple[int, ...]:
    """Return what two configurations of the same layers have in common."""
    return config.n_positions, config.n_embd, config.n_layer, config.n_head, config.n_inner


def _padded(value: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a tensor with zeros in the rows that it lacks."""
    return value if value.shape == shape else np.pad(value, ((0, shape[0] - value.shape[0]), (0, 0)))


def _delta(update: LowRank) -> NDArray[np.float32]:
    """Return what is added to a weight, (inputs, outputs)."""
    product = read_tensor(update.a).T @ read_tensor(update.b).T
    return product * np.float32(update.scaling)


def _saved_name(name: str) -> str:
    """Return a tensor's name as transformers saves a whole model."""
    return name if name in (LM_HEAD, SCORE) else f"{_PREFIX}{name}"


def _classifier_settings(labels: int) -> JsonObject:
    """Return what makes a language model's config.json a classifier's, as transformers names labels nobody named."""
    names = [f"LABEL_{number}" for number in range(labels)]
    return {
        "architectures": ["GPT2ForSequenceClassification"],
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
    }
