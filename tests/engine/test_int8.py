"""int8: how far it is from float32, that rows stay apart, and that the quantized weights are kept."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from safetensors.numpy import save_file

from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.safetensors import read_header
from gptcli.checkpoint.weights import STORED_DTYPES
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.onnx.quantize import BLOCK_SIZE, CODE_OFFSET, quantize
from gptcli.engine.options import ModelOptions, SamplingOptions
from tests.decoding import decode, loaded

WEIGHTS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=2 * BLOCK_SIZE + 3),
    elements=st.floats(-100, 100, width=32, allow_subnormal=False),
    fill=st.floats(-1, 1, width=32, allow_subnormal=False),
)
TEXT = (
    "Once upon a time there was a little girl who lived in a wood with her mother. One day she saw a fox, and the"
    " fox said: come with me, I know where the sweetest berries grow. But the girl was afraid and ran home."
)


@pytest.fixture(scope="module")
def prompts(builtin: Path) -> list[list[int]]:
    """Return pieces of a text, of mixed lengths."""
    tokens = loaded(builtin, "onnx").tokenizer.encode(TEXT)
    return [tokens[begin : begin + 5 + 3 * begin] for begin in range(8)]


@settings(deadline=None)
@given(weight=WEIGHTS)
def test_a_quantized_weight_is_off_by_at_most_half_a_step_of_its_block(weight: NDArray[np.float32]) -> None:
    codes, scales = quantize(weight)
    blocks = -(-weight.shape[1] // BLOCK_SIZE)
    assert codes.shape == (len(weight), blocks, BLOCK_SIZE)
    assert scales.shape == (len(weight), blocks)
    steps = codes.astype(np.float64) - CODE_OFFSET
    assert np.abs(steps).max() <= 127
    restored = (steps * scales[..., None]).reshape(len(weight), -1)
    padding = restored[:, weight.shape[1] :]
    assert not padding.any()
    half_a_step = np.repeat(scales, BLOCK_SIZE, axis=1)[:, : weight.shape[1]] / 2
    assert (np.abs(restored[:, : weight.shape[1]] - weight) <= half_a_step * (1 + 1e-5)).all()


def test_a_block_of_zeros_stays_zero() -> None:
    codes, scales = quantize(np.zeros((2, 3), np.float32))
    assert (codes == CODE_OFFSET).all()
    assert np.isfinite(scales).all()


def test_predictions_are_near_those_of_float32(builtin: Path, prompts: list[list[int]]) -> None:
    exact, close = (
        loaded(builtin, "onnx", dtype=dtype).engine.backend.prefill(0, prompts, 1) for dtype in ("float32", "int8")
    )
    exact_logprobs = exact.values - exact.logsumexp[:, None]
    close_logprobs = close.values - close.logsumexp[:, None]
    divergence = (np.exp(exact_logprobs) * (exact_logprobs - close_logprobs)).sum(axis=1)
    assert divergence.max() < 0.01  # nats; measured: at most 0.003
    difference = (close.values - exact.values) - (close.values - exact.values).mean(axis=1, keepdims=True)
    assert np.sqrt((difference**2).mean()) < 0.1  # the logits' own deviation is about 2.5; measured: 0.05


def test_rows_do_not_depend_on_the_batch(builtin: Path, prompts: list[list[int]]) -> None:
    options = SamplingOptions(max_new_tokens=12)
    alone = decode(loaded(builtin, "onnx", 1, "int8"), prompts, options)
    together = decode(loaded(builtin, "onnx", 8, "int8"), prompts, options)
    assert [row.tokens for row in alone] == [row.tokens for row in together]
    assert [row.logprob for row in alone] == [row.logprob for row in together]


def test_a_checkpoint_is_quantized_once_until_it_changes(
    builtin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def save(tensors: dict[str, NDArray[np.uint8] | NDArray[np.float32]], path: Path) -> None:
        built.append(path)
        save_file(tensors, path)

    monkeypatch.setattr("gptcli.engine.onnx.quantize.save_file", save)
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "cache"))
    model = shutil.copytree(builtin, tmp_path / "model")
    first = prediction(model)
    assert (prediction(model) == first).all()
    assert len(built) == 1
    turn_around_the_positions(model / "model.safetensors")
    assert not (prediction(model) == first).all()
    assert len(built) == 2
    assert not list((tmp_path / "cache").rglob("*.partial"))


def prediction(directory: Path) -> NDArray[np.float32]:
    """Return the logits after one token, of a model opened anew."""
    return open_int8(directory).engine.backend.prefill(0, [[5]], 1).values.copy()


def open_int8(directory: Path) -> LoadedModel:
    """Open a model in int8."""
    options = ModelOptions(device="cpu", dtype="int8", batch_size=1)
    return load_model(Located(name="model", directory=directory), options, least_slots=1)


def turn_around_the_positions(weights: Path) -> None:
    """Change some weights in place, so that size and header stay as they were."""
    place = read_header(weights)["transformer.wpe.weight"]
    before = weights.stat()
    embedding = np.memmap(weights, STORED_DTYPES[place.dtype], "r+", place.offset, place.shape)
    embedding[:] = embedding[::-1].copy()
    embedding.flush()
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
