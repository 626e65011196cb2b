"""The memory estimate counts what transformers, peft and autograd really make."""

import dataclasses

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from gptcli.checkpoint.config import ModelConfig
from gptcli.training.attention import NAME
from gptcli.training.batches import Example, make_batch
from gptcli.training.footprint import count_parameters, estimate_memory
from gptcli.training.options import LoraOptions, TrainingOptions

CONFIG = ModelConfig(
    vocab_size=100,
    n_positions=256,
    n_embd=64,
    n_layer=3,
    n_head=2,
    n_inner=200,
    activation="gelu_new",
    layer_norm_epsilon=1e-5,
    scale_attn_weights=True,
    scale_attn_by_inverse_layer_idx=False,
    tie_word_embeddings=True,
    bos_token_id=0,
    eos_token_ids=(0,),
)


def transformers_config(config=CONFIG, **changes):
    names = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "tie_word_embeddings")
    shape = {name: getattr(config, name) for name in names}
    return GPT2Config(bos_token_id=0, eos_token_id=0, activation_function="gelu_pytorch_tanh", **shape | changes)


def size(parameters):
    return sum(parameter.numel() for parameter in parameters)


@pytest.mark.parametrize("tied", [True, False])
def test_all_parameters_are_counted(tied):
    config = dataclasses.replace(CONFIG, tie_word_embeddings=tied)
    found = count_parameters(config, TrainingOptions(), labels=None)
    assert found.all == found.trainable == size(GPT2LMHeadModel(transformers_config(config)).parameters())


def test_a_classifier_has_a_head_of_its_own():
    model = GPT2ForSequenceClassification(transformers_config(num_labels=7))
    assert count_parameters(CONFIG, TrainingOptions(), labels=7).all == size(model.parameters())


def test_frozen_layers_and_the_embeddings_with_them_do_not_train():
    model = GPT2LMHeadModel(transformers_config()).transformer
    trainable = count_parameters(CONFIG, TrainingOptions(freeze=2), labels=None).trainable
    assert trainable == size([*model.h[2].parameters(), *model.ln_f.parameters()])


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft reads what transformers renamed
@pytest.mark.parametrize("target", [("c_attn",), ("c_proj",), ("mlp.c_proj", "c_fc"), ("c_attn", "c_proj", "c_fc")])
def test_an_adapter_has_as_many_parameters_as_peft_gives_it(target):
    from peft import LoraConfig, get_peft_model

    options = TrainingOptions(lora=LoraOptions(rank=4, target=target))
    adapter = LoraConfig(r=4, target_modules=list(target), fan_in_fan_out=True)
    model = get_peft_model(GPT2LMHeadModel(transformers_config()), adapter)
    found = count_parameters(CONFIG, options, labels=None)
    assert found.trainable == size(parameter for parameter in model.parameters() if parameter.requires_grad)
    assert found.all == size(model.parameters())


@pytest.mark.parametrize("length", [16, 200])
def test_a_layer_keeps_what_autograd_keeps(length):
    """Dropout's masks take a byte where the estimate has half a number: hence the tolerance."""
    kept = [_saved_bytes(dataclasses.replace(CONFIG, n_layer=layers), length) for layers in (1, 3)]
    estimates = [
        estimate_memory(
            dataclasses.replace(CONFIG, n_layer=layers),
            TrainingOptions(),
            labels=None,
            tokens=2 * length,
            longest=length,
        ).activations
        for layers in (1, 3)
    ]
    assert estimates[1] - estimates[0] == pytest.approx(kept[1] - kept[0], rel=0.05)


def _saved_bytes(config, length):
    """Return the bytes of the tensors that a forward pass keeps for the way back, weights left out."""
    model = GPT2LMHeadModel(transformers_config(config, attn_implementation=NAME)).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = (storage.nbytes(), tensor)  # held, so that no address is used twice
        return tensor

    rows = [Example(np.zeros(length, np.int32), np.zeros(length, np.int32), None, "") for _ in range(2)]
    batch = make_batch(rows)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.transformer(
            input_ids=batch.input_ids, position_ids=batch.position_ids, row_groups=batch.row_groups, use_cache=False
        )
    return sum(size for size, _ in saved.values())


def test_every_saving_lowers_the_estimate():
    def total(**changes):
        options = TrainingOptions(**changes)
        return estimate_memory(CONFIG, options, labels=None, tokens=4096, longest=128).total

    assert total(gradient_checkpointing=True) < total()
    assert total(mixed_precision="bf16") < total()
    assert total(optimizer="muon") < total()
    assert total(freeze=2) < total(freeze=1) < total()
    assert total(lora=LoraOptions(rank=2)) < total(lora=LoraOptions(rank=8)) < total()
