"""A packed checkpoint comes back with every number within half a step, once, and whole or not at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.cache import cache_directory
from gptcli.checkpoint.files import CONFIG, SAFETENSORS, is_complete
from gptcli.checkpoint.locate import PACKAGED, locate
from gptcli.checkpoint.packing import MOST_LEVELS, PACKED, pack, quantize, unpack, unpacked
from gptcli.errors import ModelError

LEVELS = 95
TOKENS = torch.arange(2, 14)[None]


@pytest.fixture
def packed(checkpoint: Path, tmp_path: Path) -> Path:
    """Return the tiny model in the form that ships."""
    directory = tmp_path / "environment" / "gptcli" / "builtin"
    shutil.copytree(checkpoint, directory)
    (directory / SAFETENSORS).unlink()
    pack(checkpoint / SAFETENSORS, directory / PACKED, LEVELS)
    return directory


@given(
    weight=arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-1e3, 1e3, width=32, allow_subnormal=False),
    ),
    levels=st.integers(1, MOST_LEVELS),
)
def test_each_weight_is_at_most_half_a_step_away(weight: NDArray[np.float32], levels: int) -> None:
    codes, scales = quantize(weight, levels)
    assert codes.dtype == np.int8
    assert scales.dtype == np.float32
    assert np.abs(codes.astype(int)).max() <= levels
    step = scales[:, None].astype(float)
    assert (np.abs(codes * step - weight) <= step / 2 * (1 + 1e-4) + 1e-37).all()


def test_names_shapes_and_vectors_are_as_they_were(checkpoint: Path, packed: Path, tmp_path: Path) -> None:
    unpack(packed / PACKED, tmp_path / "out.safetensors")
    before, after = load_file(checkpoint / SAFETENSORS), load_file(tmp_path / "out.safetensors")
    assert {name: value.shape for name, value in after.items()} == {name: value.shape for name, value in before.items()}
    assert {value.dtype for value in after.values()} == {np.dtype(np.float32)}
    assert all((after[name] == value).all() for name, value in before.items() if value.ndim == 1)


def test_of_half_precision_the_vectors_are_widened_exactly(checkpoint: Path, tmp_path: Path) -> None:
    halved = {name: value.astype(np.float16) for name, value in load_file(checkpoint / SAFETENSORS).items()}
    save_file(halved, tmp_path / "half.safetensors")
    pack(tmp_path / "half.safetensors", tmp_path / PACKED, LEVELS)
    unpack(tmp_path / PACKED, tmp_path / "out.safetensors")
    after = load_file(tmp_path / "out.safetensors")
    assert all((after[name] == value).all() for name, value in halved.items() if value.ndim == 1)


def test_the_model_predicts_almost_what_it_did(checkpoint: Path, packed: Path) -> None:
    before, after = (GPT2LMHeadModel.from_pretrained(place).eval() for place in (checkpoint, unpacked(packed)))
    with torch.no_grad():
        logits, close = before(TOKENS).logits, after(TOKENS).logits
    assert 0 < (close - logits).abs().max() < 0.02 * logits.abs().max()


def test_what_is_unpacked_is_an_ordinary_checkpoint_and_made_once(packed: Path) -> None:
    directory = unpacked(packed)
    assert is_complete(directory)
    assert not (directory / PACKED).exists()
    assert (directory / CONFIG).read_bytes() == (packed / CONFIG).read_bytes()
    assert directory.parts[-2:] == packed.parts[-2:]
    assert cache_directory() in directory.parents
    made = (directory / SAFETENSORS).stat().st_mtime_ns
    assert unpacked(packed) == directory
    assert (directory / SAFETENSORS).stat().st_mtime_ns == made


def test_another_version_takes_the_place_of_the_one_before(checkpoint: Path, packed: Path) -> None:
    old = unpacked(packed)
    pack(checkpoint / SAFETENSORS, packed / PACKED, 7)
    new = unpacked(packed)
    assert new != old
    assert list(cache_directory().rglob(SAFETENSORS)) == [new / SAFETENSORS]


def test_processes_that_unpack_at_once_all_find_it(packed: Path) -> None:
    program = "import sys; from pathlib import Path; from gptcli.checkpoint.packing import unpacked\n"
    program += "print(end='ready', flush=True); sys.stdin.read(); print(unpacked(Path(sys.argv[1])))"
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(packed)], stdin=pipe, stdout=pipe, text=True)
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.read(len("ready")) == "ready"
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    found = {process.communicate(timeout=60)[0] for process in started}
    directory = unpacked(packed)
    assert found == {f"{directory}\n"}
    assert is_complete(directory)
    (siblings,) = cache_directory().iterdir()
    assert len(list(siblings.iterdir())) == 1


def test_weights_that_are_cut_off_end_in_one_line_and_leave_nothing(packed: Path) -> None:
    os.truncate(packed / PACKED, (packed / PACKED).stat().st_size // 2)
    with pytest.raises(ModelError, match=r"packed\.safetensors: truncated.* install that again"):
        unpacked(packed)
    assert not list(cache_directory().rglob(CONFIG))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("transformer.wpe.weight.scale", np.zeros(3, np.float32), "wpe.weight has no scale for each of its rows"),
        ("transformer.wpe.weight.scale", np.zeros(16, np.int16), "wpe.weight has no scale for each of its rows"),
        ("transformer.ln_f.bias", np.zeros(8, np.int16), "ln_f.bias is stored as I16"),
    ],
)
def test_tensors_that_make_no_sense_end_in_one_line(
    packed: Path, name: str, value: NDArray[np.float32] | NDArray[np.int16], told: str
) -> None:
    save_file(load_file(packed / PACKED) | {name: value}, packed / PACKED)
    with pytest.raises(ModelError, match=told):
        unpacked(packed)


def test_numbers_that_are_not_finite_are_not_packed(checkpoint: Path, tmp_path: Path) -> None:
    weights = load_file(checkpoint / SAFETENSORS)
    weights["transformer.wpe.weight"][0, 0] = np.nan
    save_file(weights, tmp_path / "nan.safetensors")
    with pytest.raises(ModelError, match=r"wpe\.weight has numbers that are not finite"):
        pack(tmp_path / "nan.safetensors", tmp_path / PACKED, LEVELS)


def test_a_cache_that_cannot_be_written_names_the_variable_that_moves_it(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("GPTCLI_CACHE", str(tmp_path / "taken"))
    with pytest.raises(ModelError, match="set GPTCLI_CACHE to a directory with room"):
        unpacked(packed)


def test_the_package_holds_the_built_in_model_packed_and_nothing_else_of_its_weights(builtin: Path) -> None:
    assert [path.name for path in PACKAGED.glob("*.safetensors")] == [PACKED]
    assert is_complete(builtin)
    assert locate("builtin", on_progress=lambda *_: None).directory.name == "builtin"
