"""A shape is a named size and what is given in its place; its learning rate goes with its width."""

import pytest

from gptcli.training.sizes import SIZES, ShapeOptions, SizeName


@pytest.mark.parametrize("name", SIZES)
def test_a_named_size_is_changed_by_what_is_given(name: SizeName) -> None:
    assert ShapeOptions(size=name).resolved() == SIZES[name]
    changed = ShapeOptions(size=name, n_layer=3, n_embd=128, n_head=8, n_positions=64).resolved()
    assert (changed.n_layer, changed.n_embd, changed.n_head, changed.n_positions) == (3, 128, 8, 64)
    assert changed.lr == pytest.approx(SIZES[name].lr * SIZES[name].n_embd / 128)
    assert changed.vocab_size == SIZES[name].vocab_size
