"""Laws 1 and 2 for classifiers: logits are GPT2ForSequenceClassification's, and no row depends on its neighbours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.classifiers import loaded, logits, reference_logits, save_random_classifier

FEW = settings(max_examples=12)
ROWS = st.lists(st.lists(st.integers(1, 95), min_size=1, max_size=48), min_size=1, max_size=12)
VARIANTS: dict[str, dict[str, Any]] = {
    "a pad token of its own": {"vocab_size": 97, "pad_token_id": 96},
    "a pad token that is the end of text": {"pad_token_id": 0},
    "an odd context": {"n_positions": 33},
    "exact gelu": {"activation_function": "gelu"},
    "inverse layer scale": {"scale_attn_by_inverse_layer_idx": True},
    "one layer": {"n_layer": 1},
}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a classifier without a pad token."""
    return save_random_classifier(tmp_path_factory.mktemp("classifier"), "bad", "good", "so-so")


@FEW
@given(rows=ROWS)
def test_the_logits_of_a_ragged_batch_are_transformers_of_each_row_alone(
    classifier: Path, backend_name: str, rows: list[list[int]]
) -> None:
    for row, ours in zip(rows, logits(loaded(classifier, backend_name), rows), strict=True):
        np.testing.assert_allclose(ours, reference_logits(classifier, row), atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_classifier_is_transformers(tmp_path: Path, backend_name: str, variant: str) -> None:
    directory = save_random_classifier(tmp_path, "bad", "good", **VARIANTS[variant])
    rows = [[7, 8, 9], [0], list(range(1, 34)), [5, 0, 0], [0, 0, 96 % VARIANTS[variant].get("vocab_size", 96), 3]]
    for row, ours in zip(rows, logits(loaded(directory, backend_name), rows), strict=True):
        np.testing.assert_allclose(ours, unpadded_logits(directory, row), atol=1e-4)


def unpadded_logits(directory: Path, row: list[int]) -> Any:
    """Return the head over transformers' last state: its own choice of a token takes padding ids inside a text out."""
    import torch

    from tests.classifiers import reference

    model = reference(directory)
    with torch.no_grad():
        return model.score(model.transformer(torch.tensor([row])).last_hidden_state[0, -1]).numpy()


@FEW
@given(rows=st.lists(st.lists(st.integers(1, 95), min_size=1, max_size=48), min_size=2, max_size=64))
def test_a_batch_of_any_size_gives_the_same_logits_to_1e_5(
    classifier: Path, backend_name: str, rows: list[list[int]]
) -> None:
    model = loaded(classifier, backend_name)
    alone = logits(model, rows, most_rows=1)
    for most_rows in (2, 5, 64, None):
        np.testing.assert_allclose(logits(model, rows, most_rows=most_rows), alone, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@FEW
@given(rows=ROWS)
def test_on_the_onnx_backend_they_are_the_same_bits(classifier: Path, dtype: str, rows: list[list[int]]) -> None:
    model = loaded(classifier, "onnx", dtype)
    assert np.array_equal(logits(model, rows), logits(model, rows, most_rows=1))


@pytest.mark.parametrize("length", [16, 17, 32, 33, 47])
def test_a_row_at_the_edge_of_a_block_of_attention_is_the_same_bits_beside_a_longer_one(
    classifier: Path, length: int
) -> None:
    row = [1 + position * 7 % 95 for position in range(length)]
    model = loaded(classifier, "onnx")
    assert np.array_equal(logits(model, [row])[0], logits(model, [row, [5] * 48])[0])
