"""Weights that torch has pickled are converted once, and nothing in the pickle runs."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.cache import cache_directory
from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.errors import ModelError

Maker = Callable[..., GPT2LMHeadModel]


def opened(directory: Path) -> Weights:
    return open_weights(directory, read_config(directory))


def only_pickle(directory: Path, content: object) -> Path:
    """Replace a checkpoint's weights by pytorch_model.bin."""
    (directory / "model.safetensors").unlink()
    torch.save(content, directory / "pytorch_model.bin")
    return directory


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_pickled_checkpoint_equals_its_model(make_model: Maker, checkpoint: Path, dtype: torch.dtype) -> None:
    state = make_model().type(dtype).state_dict()
    weights = opened(only_pickle(checkpoint, state))
    assert weights.tied
    for name in weights.tensors:
        expected = state[f"transformer.{name}"].float().numpy()
        np.testing.assert_array_equal(weights.array(name), expected, err_msg=name)


def test_pickled_shards_are_joined(make_model: Maker, checkpoint: Path) -> None:
    state = make_model().state_dict()
    (checkpoint / "model.safetensors").unlink()
    shards = {name: f"pytorch_model-0000{1 + index % 2}-of-00002.bin" for index, name in enumerate(state)}
    for shard in set(shards.values()):
        torch.save({name: state[name] for name in state if shards[name] == shard}, checkpoint / shard)
    (checkpoint / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": shards}))
    np.testing.assert_array_equal(opened(checkpoint).array("ln_f.weight"), state["transformer.ln_f.weight"].numpy())


def test_a_pickle_is_converted_once_and_again_when_it_changes(
    make_model: Maker, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_pickle(checkpoint, make_model().state_dict())
    first = opened(checkpoint).files
    assert first[0].is_relative_to(cache_directory())
    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: pytest.fail("converted twice"))
        assert opened(checkpoint).files == first
    os.utime(checkpoint / "pytorch_model.bin", ns=(0, 0))
    assert opened(checkpoint).files != first


class Malicious:
    """An object whose pickle, where it is obeyed, creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def save_bare(content: object, path: Path) -> None:
    """Write a pickle without torch's archive around it."""
    path.write_bytes(pickle.dumps(content, protocol=2))


@pytest.mark.parametrize("save", [torch.save, save_bare])
def test_a_malicious_pickle_is_refused_and_does_nothing(checkpoint: Path, save: Callable[[object, Path], None]) -> None:
    victim = checkpoint / "created"
    only_pickle(checkpoint, {})
    save({"wte.weight": Malicious(victim)}, checkpoint / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin: not opened"):
        opened(checkpoint)
    assert not victim.exists()


def test_a_truncated_pickle_is_an_error_and_leaves_nothing_in_the_cache(make_model: Maker, checkpoint: Path) -> None:
    path = only_pickle(checkpoint, make_model().state_dict()) / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"pytorch_model\.bin: truncated"):
        opened(checkpoint)
    assert not any(path.is_file() for path in cache_directory().rglob("*"))


def test_a_pickle_that_holds_no_table_is_an_error(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="holds no table of tensors"):
        opened(only_pickle(checkpoint, [1, 2, 3]))


def test_safetensors_are_preferred(checkpoint: Path) -> None:
    (checkpoint / "pytorch_model.bin").write_bytes(b"never opened")
    assert opened(checkpoint).files == ((checkpoint / "model.safetensors").resolve(),)
