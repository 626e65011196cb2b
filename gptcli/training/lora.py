"""Low-rank adapters, by peft."""

import warnings
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers.modeling_utils import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from gptcli.errors import ConfigError
from gptcli.training.options import LoraOptions

FACTOR = 2
"""Alpha for each unit of rank where --lora-alpha is not given: an update twice the size of its matrices' product."""


def alpha_of(lora: LoraOptions) -> float:
    """Return the alpha of an adapter's scaling, alpha / rank."""
    return FACTOR * lora.rank if lora.alpha is None else lora.alpha


def add_adapter(model: PreTrainedModel, lora: LoraOptions, *, base: str, is_classifier: bool, seed: int) -> PeftModel:
    """Put an adapter into a model's modules, freeze its own weights, and return peft's view of it.

    base is how peft finds the model again.

    Raises ConfigError for a module that the model does not have, or that no adapter of ours goes into.
    """
    for target in lora.target:  # peft is content with one that it finds
        found = [module for name, module in model.named_modules() if f".{name}".endswith(f".{target}")]
        if not found or not all(isinstance(module, Conv1D) for module in found):
            raise ConfigError(f"--lora-target {target}: no such matrix is in the layers: give c_attn, c_proj or c_fc")
    settings = LoraConfig(
        task_type="SEQ_CLS" if is_classifier else "CAUSAL_LM",  # of SEQ_CLS peft trains and saves the head too
        base_model_name_or_path=base,
        r=lora.rank,
        lora_alpha=cast(int, alpha_of(lora)),  # peft divides it: a float will do
        lora_dropout=lora.dropout,
        target_modules=list(lora.target),
        fan_in_fan_out=True,  # GPT-2's Conv1D keeps its weights transposed
    )
    model.name_or_path = base
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            # peft asks transformers under a name that transformers is about to give up; nothing that we could change.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            peft: PeftModel = get_peft_model(model, settings)
    except ValueError as error:
        raise ConfigError(f"--lora-target {','.join(lora.target)}: {str(error).splitlines()[0]}") from error
    return peft
