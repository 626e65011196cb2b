"""config.json is read as transformers reads it, and what is no GPT-2 is refused by name."""

import json
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config
from transformers.activations import ACT2FN

from gptcli.checkpoint.config import ACTIVATIONS, read_config
from gptcli.errors import ModelError


def write(directory: Path, content: dict[str, object], name: str = "config.json") -> Path:
    (directory / name).write_text(json.dumps(content), encoding="utf-8")
    return directory


def test_missing_keys_take_the_defaults_of_transformers(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, {"model_type": "gpt2"}))
    expected = GPT2Config()
    for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "layer_norm_epsilon"):
        assert getattr(config, name) == getattr(expected, name)
    for name in ("scale_attn_weights", "scale_attn_by_inverse_layer_idx", "tie_word_embeddings"):
        assert getattr(config, name) is getattr(expected, name)
    assert config.activation == expected.activation_function
    assert config.n_inner == 4 * config.n_embd
    assert config.head_dim == 64


def test_a_configuration_older_than_model_type_is_read(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, {"n_embd": 8, "n_head": 2, "n_ctx": 1024})).head_dim == 4


def test_n_inner_is_taken_when_given(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, {"model_type": "gpt2", "n_inner": 100})).n_inner == 100


@pytest.mark.parametrize(
    ("config", "generation", "expected"),
    [
        ({"eos_token_id": 3}, None, (3,)),
        ({"eos_token_id": [3, 4]}, None, (3, 4)),
        ({"eos_token_id": 3}, {"eos_token_id": [5]}, (5,)),
        ({"eos_token_id": 3}, {"bos_token_id": 1}, ()),
        ({}, None, ()),
    ],
)
def test_the_end_is_what_the_generation_config_says_or_else_the_config(
    tmp_path: Path, config: dict[str, object], generation: dict[str, object] | None, expected: tuple[int, ...]
) -> None:
    write(tmp_path, {"model_type": "gpt2"} | config)
    if generation is not None:
        write(tmp_path, generation, "generation_config.json")
    assert read_config(tmp_path).eos_token_ids == expected


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_the_function_that_its_canonical_name_stands_for(name: str) -> None:
    values = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(ACT2FN[name](values), ACT2FN[ACTIVATIONS[name]](values), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"model_type": "bert"}, "model_type is 'bert', expected 'gpt2'"),
        ({"hidden_size": 8}, "has no model_type, expected 'gpt2'"),
        ({"model_type": "gpt2", "n_embd": 10, "n_head": 3}, "n_embd 10 is not divisible by n_head 3"),
        ({"model_type": "gpt2", "add_cross_attention": True}, "cross-attention is not supported"),
        (
            {"model_type": "gpt2", "activation_function": "mish"},
            "'mish' is not supported; supported: gelu_new,",
        ),
        ({"model_type": "gpt2", "n_layer": "12"}, "n_layer must be a positive integer, not '12'"),
        ({"model_type": "gpt2", "n_head": 0}, "n_head must be a positive integer, not 0"),
        ({"model_type": "gpt2", "tie_word_embeddings": "no"}, "tie_word_embeddings must be true or false"),
        ({"model_type": "gpt2", "layer_norm_epsilon": "small"}, "layer_norm_epsilon must be a number"),
        ({"model_type": "gpt2", "eos_token_id": "</s>"}, "eos_token_id must be an id or a list of ids"),
    ],
)
def test_what_does_not_run_here_is_refused_in_one_line(
    tmp_path: Path, content: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ModelError) as caught:
        read_config(write(tmp_path, content))
    assert complaint in str(caught.value)
    assert str(tmp_path / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000])
def test_a_config_that_is_not_a_json_object_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json: .*download the model again"):
        read_config(tmp_path)


def test_a_directory_without_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        read_config(tmp_path)
