"""How a model's files are written: a whole model, or an adapter that needs its base."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config

from gptcli.checkpoint.files import (
    ADAPTER_WEIGHTS,
    SAFETENSORS,
    TEMPLATE,
    copy_tokenizer,
)
from gptcli.checkpoint.weights import LM_HEAD
from gptcli.data.templates import PromptTemplate
from gptcli.training.model import write_config, write_model
from gptcli.training.options import LoraOptions

if TYPE_CHECKING:
    from peft import PeftModel

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The files of a whole model, but for its weights."""

    config: GPT2Config
    base: Path | None
    """The checkpoint it comes from."""
    tokenizer: Path
    """The directory of the tokenizer's files."""
    template: PromptTemplate | None = None

    def write(self, directory: Path, state: Tensors) -> None:
        """Write the model; state is all of its tensors under the model's own names. Raises OSError."""
        write_model(directory, _saved(state, self.config), self.config, self.base)
        self._write_small(directory)

    def read(self, directory: Path) -> dict[str, torch.Tensor]:
        """Return the tensors that write wrote, under the model's own names."""
        return load_file(directory / SAFETENSORS)

    def _write_small(self, directory: Path) -> None:
        copy_tokenizer(self.tokenizer, directory)
        if self.template is not None:
            text = json.dumps(self.template.to_json(), indent=2, ensure_ascii=False)
            (directory / TEMPLATE).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFiles(ModelFiles):
    """The files of an adapter, as peft saves them."""

    peft: "PeftModel"

    def write(self, directory: Path, state: Tensors) -> None:
        """Write the adapter's matrices and settings. Raises OSError."""
        from peft import get_peft_model_state_dict

        named = {f"{_PEFT_PREFIX}{name}": tensor for name, tensor in state.items()}
        chosen = get_peft_model_state_dict(self.peft, state_dict=named, save_embedding_layers=False)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in chosen.items()}
        save_file(tensors, directory / ADAPTER_WEIGHTS, metadata={"format": "pt"})
        settings = self.peft.peft_config["default"]
        settings.inference_mode = True
        settings.save_pretrained(str(directory))
        settings.inference_mode = False
        if self.config.problem_type is not None:
            # A classifier's labels. Beside any other adapter transformers would take it for a whole model.
            write_config(directory, self.config, self.base)
        self._write_small(directory)

    def read(self, directory: Path) -> dict[str, torch.Tensor]:
        """Return the adapter's tensors under the names that they have inside the model."""
        return {_inner_name(name): tensor for name, tensor in load_file(directory / ADAPTER_WEIGHTS).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedFiles(ModelFiles):
    """The files of a whole model that an adapter is folded into."""

    scaling: float
    """Of the product of an adapter's matrices: alpha / rank."""

    def write(self, directory: Path, state: Tensors) -> None:
        """Write the model; state is what an adapter is trained in. Raises OSError."""
        ModelFiles.write(self, directory, _folded(state, self.scaling))


def final_files(files: ModelFiles, lora: LoraOptions | None) -> ModelFiles:
    """Return how a finished model is saved: as it trained, or with its adapter folded in."""
    if lora is None or not lora.merge:
        return files
    from gptcli.training.lora import alpha_of  # peft takes a second

    return MergedFiles(
        config=files.config,
        base=files.base,
        tokenizer=files.tokenizer,
        template=files.template,
        scaling=alpha_of(lora) / lora.rank,
    )


_PEFT_PREFIX = "base_model.model."


def _inner_name(name: str) -> str:
    """Return the name in the model of a tensor of an adapter's file, which leaves the adapter's own name out."""
    name = name.removeprefix(_PEFT_PREFIX)
    for matrix in ("lora_A", "lora_B"):
        name = name.replace(f".{matrix}.weight", f".{matrix}.default.weight")
    return name.replace("score.weight", "score.modules_to_save.default.weight")


def _folded(state: Tensors, scaling: float) -> dict[str, torch.Tensor]:
    """Return a model's own tensors, W + scaling * (B A)^T where adapted: Conv1D has W transposed (Hu et al. 2021)."""
    folded: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if ".lora_" in name or ".original_module." in name:
            continue
        first = state.get(name.replace(".base_layer.weight", ".lora_A.default.weight"))
        if name.endswith(".base_layer.weight") and first is not None:
            second = state[name.replace(".base_layer.weight", ".lora_B.default.weight")]
            tensor = tensor + scaling * (second @ first).T
        folded[name.replace(".base_layer.", ".").replace(".modules_to_save.default.", ".")] = tensor
    return folded


def _saved(state: Tensors, config: GPT2Config) -> dict[str, torch.Tensor]:
    """Return a model's tensors as transformers saves them: a tied head once, contiguous, on the CPU."""
    tied = config.tie_word_embeddings
    return {
        name: tensor.detach().cpu().contiguous() for name, tensor in state.items() if not (tied and name == LM_HEAD)
    }
