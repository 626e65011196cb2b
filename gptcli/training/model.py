"""The model while it trains: built from a checkpoint or from nothing, and written back as transformers saves it."""

import json
import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import accelerate
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Model
from transformers.modeling_utils import PreTrainedModel

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import ACTIVATIONS, read_config
from gptcli.checkpoint.files import CONFIG, GENERATION_CONFIG, SAFETENSORS
from gptcli.checkpoint.weights import LM_HEAD, WTE, open_weights
from gptcli.data.labels import LabelKind, LabelSet
from gptcli.training.attention import NAME
from gptcli.training.sizes import Size

FAST_GELU = "gelu_pytorch_tanh"
"""gelu_new in one pass over the numbers instead of eight: the same function, a fifth of a step on a CPU."""
PROBLEMS: Mapping[LabelKind, Any] = {
    "single": "single_label_classification",
    "multi": "multi_label_classification",
    "regression": "regression",
}
_PREFIX = "transformer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A model as it trains, and the configuration that is saved with it."""

    model: PreTrainedModel
    config: GPT2Config
    """As transformers' own software is to read it."""


def language_model(directory: Path, *, dropout: float | None) -> Built:
    """Build the language model of a checkpoint, in float32; raises ModelError."""
    config = _read(directory, dropout, GPT2LMHeadModel)
    weights = open_weights(directory, read_config(directory))
    config.tie_word_embeddings = weights.tied
    config.problem_type = None
    model = _empty(GPT2LMHeadModel, config)
    names = {name: name if name == LM_HEAD else f"{_PREFIX}{name}" for name in weights.tensors}
    _fill(model, {names[name]: torch.from_numpy(np.array(weights.array(name))) for name in names})
    return Built(model=model, config=config)


def classifier(directory: Path, labels: LabelSet, *, dropout: float | None, pad_id: int | None, seed: int) -> Built:
    """Build a classifier over a checkpoint; its head is the checkpoint's own where that has the same labels.

    A pad_id behind the vocabulary gets a row of zeros that nothing ever learns. Raises ModelError.
    """
    config = _read(directory, dropout, GPT2ForSequenceClassification)
    before: Mapping[Any, str] = config.id2label or {}
    weights = open_weights(directory, read_config(directory))
    names = labels.names or ("LABEL_0",)
    config.id2label, config.label2id = dict(enumerate(names)), {name: number for number, name in enumerate(names)}
    config.problem_type = PROBLEMS[labels.kind]
    config.pad_token_id = pad_id
    tensors = {name: torch.from_numpy(np.array(weights.array(name))) for name in weights.tensors if name != LM_HEAD}
    if pad_id is not None and pad_id >= config.vocab_size:
        rows = torch.zeros(pad_id + 1 - config.vocab_size, config.n_embd)
        tensors[WTE] = torch.cat([tensors[WTE], rows])
        config.vocab_size = pad_id + 1
    if SCORE not in tensors or dict(before) != config.id2label:
        generator = torch.Generator().manual_seed(seed)
        tensors[SCORE] = torch.randn(len(names), config.n_embd, generator=generator) * config.initializer_range
    model = _empty(GPT2ForSequenceClassification, config)
    _fill(model, {name if name == SCORE else f"{_PREFIX}{name}": tensor for name, tensor in tensors.items()})
    return Built(model=model, config=config)


def new_model(size: Size, *, vocab_size: int, eos_id: int, dropout: float, seed: int) -> Built:
    """Build a language model of random weights, drawn as transformers draws GPT-2's."""
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=size.n_positions,
        n_embd=size.n_embd,
        n_layer=size.n_layer,
        n_head=size.n_head,
        bos_token_id=eos_id,
        eos_token_id=eos_id,
        attn_pdrop=dropout,
        embd_pdrop=dropout,
        resid_pdrop=dropout,
        architectures=[GPT2LMHeadModel.__name__],
    )
    torch.manual_seed(seed)
    return Built(model=_make(GPT2LMHeadModel, config), config=config)


def freeze_layers(model: PreTrainedModel, count: int) -> None:
    """Keep the embeddings and the first layers as they are."""
    backbone = model.base_model
    assert isinstance(backbone, GPT2Model)
    for part in (backbone.wte, backbone.wpe, *blocks_of(model)[:count]):
        part.requires_grad_(False)


def blocks_of(model: PreTrainedModel) -> list[torch.nn.Module]:
    """Return a model's layers."""
    backbone = model.base_model
    assert isinstance(backbone, GPT2Model)
    return list(backbone.h)


def write_model(directory: Path, tensors: Mapping[str, torch.Tensor], config: GPT2Config, base: Path | None) -> None:
    """Write model.safetensors, config.json and generation_config.json; raises OSError and SafetensorError."""
    save_file(dict(tensors), directory / SAFETENSORS, metadata={"format": "pt"})
    write_config(directory, config, base)


def write_config(directory: Path, config: GPT2Config, base: Path | None) -> None:
    """Write config.json, and the base model's generation_config.json or one that says the same as config.json."""
    saved = deepcopy(config)
    saved.dtype = "float32"
    (directory / CONFIG).write_text(saved.to_json_string(use_diff=False), encoding="utf-8")
    if base is not None and (base / GENERATION_CONFIG).is_file():
        shutil.copyfile(base / GENERATION_CONFIG, directory / GENERATION_CONFIG)
    elif config.eos_token_id is not None:
        ids = {"bos_token_id": config.bos_token_id, "eos_token_id": config.eos_token_id}
        (directory / GENERATION_CONFIG).write_text(json.dumps(ids, indent=2) + "\n", encoding="utf-8")


def _read(directory: Path, dropout: float | None, kind: type[PreTrainedModel]) -> GPT2Config:
    config = GPT2Config.from_json_file(directory / CONFIG)
    config.architectures = [kind.__name__]
    if dropout is not None:
        config.attn_pdrop = config.embd_pdrop = config.resid_pdrop = dropout
    return config


def _as_trained(config: GPT2Config) -> GPT2Config:
    """Return the configuration that computes the same, faster and row by row."""
    trained = deepcopy(config)
    if ACTIVATIONS.get(config.activation_function) == "gelu_new":
        trained.activation_function = FAST_GELU
    trained._attn_implementation = NAME
    return trained


def _empty(kind: type[PreTrainedModel], config: GPT2Config) -> PreTrainedModel:
    with accelerate.init_empty_weights():
        return _make(kind, config)


def _make(kind: type[PreTrainedModel], config: GPT2Config) -> PreTrainedModel:
    model: PreTrainedModel = kind._from_config(_as_trained(config), dtype=torch.float32)  # type: ignore[no-untyped-call]
    return model


def _fill(model: PreTrainedModel, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give an empty model its weights, in memory of their own."""
    known = model.state_dict().keys()
    model.load_state_dict(
        {name: tensor for name, tensor in tensors.items() if name in known}, strict=False, assign=True
    )
    model.tie_weights()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
