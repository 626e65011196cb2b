"""Weights equal what transformers loads, whatever the files look like, and damage is named at once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.errors import ModelError
from tests.checkpoint.conftest import VOCABULARY

Maker = Callable[..., GPT2LMHeadModel]


def opened(directory: Path) -> Weights:
    return open_weights(directory, read_config(directory))


def assert_equal_to_transformers(directory: Path) -> None:
    """Compare every parameter with what from_pretrained makes of the same directory, in float32."""
    weights = opened(directory)
    model = GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32)
    tied = model.lm_head.weight.data_ptr() == model.transformer.wte.weight.data_ptr()
    assert weights.tied is tied
    for name, parameter in model.state_dict().items():
        if name != "lm_head.weight" or not tied:
            found = weights.array(name.removeprefix("transformer."))
            np.testing.assert_array_equal(found, parameter.numpy(), err_msg=name)
            assert found.dtype == np.float32


def edit(directory: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the tensors of a saved checkpoint."""
    tensors = load_file(directory / "model.safetensors")
    change(tensors)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("tied", [True, False])
def test_every_type_and_head_equals_transformers(
    make_model: Maker, tmp_path: Path, dtype: torch.dtype, tied: bool
) -> None:
    make_model(tie_word_embeddings=tied).type(dtype).save_pretrained(tmp_path)
    assert_equal_to_transformers(tmp_path)


def test_shards_equal_transformers(make_model: Maker, tmp_path: Path) -> None:
    make_model().save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert_equal_to_transformers(tmp_path)
    assert len(opened(tmp_path).files) > 1


def test_names_without_prefix_and_old_mask_buffers_are_read(checkpoint: Path) -> None:
    def as_in_2019(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)
        tensors["h.0.attn.bias"] = torch.ones(1, 1, 16, 16, dtype=torch.uint8)
        tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)

    edit(checkpoint, as_in_2019)
    assert not {"h.0.attn.bias", "h.0.attn.masked_bias"} & {*opened(checkpoint).tensors}
    assert_equal_to_transformers(checkpoint)


def test_a_head_that_differs_from_the_embedding_is_used_whatever_the_config_says(checkpoint: Path) -> None:
    edit(checkpoint, lambda tensors: tensors.update({"lm_head.weight": torch.randn(VOCABULARY, 8)}))
    assert not opened(checkpoint).tied
    assert_equal_to_transformers(checkpoint)


def test_a_head_that_repeats_the_embedding_is_tied(checkpoint: Path) -> None:
    edit(
        checkpoint,
        lambda tensors: tensors.update({"lm_head.weight": tensors["transformer.wte.weight"].clone()}),
    )
    assert opened(checkpoint).tied


def test_an_embedding_stored_as_the_head_alone_is_found(checkpoint: Path) -> None:
    edit(checkpoint, lambda tensors: tensors.update({"lm_head.weight": tensors.pop("transformer.wte.weight")}))
    assert_equal_to_transformers(checkpoint)


def test_the_score_of_a_classifier_is_kept(checkpoint: Path) -> None:
    edit(checkpoint, lambda tensors: tensors.update({"score.weight": torch.ones(2, 8)}))
    assert opened(checkpoint).array("score.weight").tolist() == [[1.0] * 8] * 2


def test_float32_is_a_read_only_view_of_the_file(checkpoint: Path) -> None:
    weights = opened(checkpoint)
    array = weights.array("wte.weight")
    assert not array.flags.writeable
    assert not array.flags.owndata
    place = weights.tensors["wte.weight"]
    with place.file.open("rb") as file:
        file.seek(place.offset)
        assert file.read(place.nbytes) == array.tobytes()


def test_a_tensor_at_an_odd_offset_is_copied_into_alignment(checkpoint: Path) -> None:
    path = checkpoint / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    path.write_bytes((length + 1).to_bytes(8, "little") + content[8 : 8 + length] + b" " + content[8 + length :])
    assert opened(checkpoint).array("wte.weight").flags.aligned
    assert_equal_to_transformers(checkpoint)


def test_links_are_followed_to_the_file(checkpoint: Path, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    shutil.move(checkpoint / "model.safetensors", blob)
    (checkpoint / "model.safetensors").symlink_to(blob)
    assert opened(checkpoint).files == (blob,)


@pytest.mark.parametrize("kept_bytes", [0, 4, 8, 100, 5_000])
def test_a_truncated_file_is_named(checkpoint: Path, kept_bytes: int) -> None:
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(ModelError, match=r"model\.safetensors: .*download the model again"):
        opened(checkpoint)


HEADER_OF_NONSENSE = b'{"wte.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}'


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<html>not found</html>", "not a safetensors file"),
        ((5).to_bytes(8, "little") + b"{nope", "header is not JSON"),
        ((2).to_bytes(8, "little") + b"[]", "holds no JSON object"),
        (len(HEADER_OF_NONSENSE).to_bytes(8, "little") + HEADER_OF_NONSENSE, "wte.weight makes no sense"),
    ],
)
def test_a_file_that_is_no_safetensors_is_refused(checkpoint: Path, content: bytes, complaint: str) -> None:
    (checkpoint / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=complaint):
        opened(checkpoint)


def test_missing_tensors_are_counted_and_the_first_is_named(checkpoint: Path) -> None:
    def lose_a_layer(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if ".h.1." in name]:
            del tensors[name]

    edit(checkpoint, lose_a_layer)
    with pytest.raises(ModelError, match=r"lack h\.1\.ln_1\.weight \(12 of 28 tensors missing\)"):
        opened(checkpoint)


def test_an_untied_config_needs_a_head(checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    with pytest.raises(ModelError, match=r"lack lm_head\.weight"):
        opened(checkpoint)


def test_a_wrong_shape_names_both(checkpoint: Path) -> None:
    edit(checkpoint, lambda tensors: tensors.update({"transformer.wpe.weight": torch.zeros(15, 8)}))
    with pytest.raises(ModelError, match=r"wpe\.weight has shape \(15, 8\), config\.json asks for \(16, 8\)"):
        opened(checkpoint)


def test_an_unreadable_type_is_named(checkpoint: Path) -> None:
    edit(
        checkpoint,
        lambda tensors: tensors.update({"transformer.ln_f.bias": torch.zeros(8).to(torch.float8_e4m3fn)}),
    )
    with pytest.raises(ModelError, match=r"ln_f\.bias is stored as F8_E4M3; supported: F64, F32, F16, BF16"):
        opened(checkpoint)


def test_a_missing_shard_is_named(make_model: Maker, tmp_path: Path) -> None:
    make_model().save_pretrained(tmp_path, max_shard_size="20KB")
    lost = min(tmp_path.glob("model-*.safetensors"))
    lost.unlink()
    with pytest.raises(ModelError, match=f"{lost.name}: missing"):
        opened(tmp_path)


def test_an_index_cannot_point_outside_its_directory(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    index = {"weight_map": {"wte.weight": "../secret.safetensors"}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="not a file of this directory"):
        opened(checkpoint)


def test_a_directory_without_weights_is_an_error(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        opened(checkpoint)
