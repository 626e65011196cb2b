"""A flat batch without padding gives what GPT-2 gives for each row alone, and micro-batches sum to their batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from gptcli.training import attention
from gptcli.training.batches import Example, make_batch, pack
from gptcli.training.objectives import Label, NextToken

ROWS = [[5, 6, 7, 8, 9], [4], list(range(10, 47)), [3, 3], [12, 13, 14, 15], list(range(20, 40))]


def example(row: list[int]) -> Example:
    tokens = np.array([*row, 0], dtype=np.int32)
    return Example(tokens[:-1], tokens[1:], None, "rows.txt:1")


@pytest.fixture
def model(tiny: Path) -> GPT2LMHeadModel:
    loaded = GPT2LMHeadModel.from_pretrained(tiny, attn_implementation=attention.NAME)
    return loaded.eval()


def alone(tiny: Path, row: list[int]) -> torch.Tensor:
    reference = GPT2LMHeadModel.from_pretrained(tiny).eval()
    tokens = torch.tensor([[*row, 0]])
    with torch.no_grad():
        logits = reference(tokens[:, :-1]).logits[0]
    return torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")


def test_rows_of_any_lengths_get_the_losses_that_they_get_alone(tiny: Path, model: GPT2LMHeadModel) -> None:
    losses = NextToken(model).judged(make_batch([example(row) for row in ROWS]))
    expected = torch.cat([alone(tiny, row) for row in ROWS])
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)


def test_micro_batches_sum_to_their_batch_in_loss_and_gradient(model: GPT2LMHeadModel) -> None:
    objective = NextToken(model)
    parameter = model.transformer.h[0].attn.c_attn.weight
    whole = objective(make_batch([example(row) for row in ROWS]))
    (expected,) = torch.autograd.grad(whole, parameter)
    parts = [objective(make_batch([example(row) for row in rows])) for rows in (ROWS[:1], ROWS[1:4], ROWS[4:])]
    (gradient,) = torch.autograd.grad(sum(parts, torch.zeros(())), parameter)
    torch.testing.assert_close(sum(parts, torch.zeros(())), whole, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-3)


def test_attention_with_dropout_trains_on_rows_long_enough_to_be_computed_again(
    model: GPT2LMHeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "LONG", 8)
    model.train()
    torch.manual_seed(1)
    loss = NextToken(model)(make_batch([example(row) for row in ROWS]))
    loss.backward()
    assert torch.isfinite(model.transformer.wte.weight.grad).all()


def test_a_label_is_read_from_the_last_token_of_a_row_as_transformers_reads_it(tiny: Path) -> None:
    config = GPT2Config.from_pretrained(tiny, num_labels=3, pad_token_id=95)
    torch.manual_seed(0)
    reference = GPT2ForSequenceClassification(config).eval()
    with torch.no_grad():
        expected = torch.cat([reference(torch.tensor([row])).logits for row in ROWS])
    reference.config._attn_implementation = attention.NAME
    rows = [Example(np.array(row, dtype=np.int32), None, 1, "rows.csv:2") for row in ROWS]
    with torch.no_grad():
        scores = Label(reference, kind="single").judged(make_batch(rows))
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)


def test_packing_keeps_every_example_and_overfills_no_sequence() -> None:
    examples = [example(list(range(1, 2 + length % 17))) for length in range(100)]
    sequences = pack(examples, 20)
    assert sorted(id(one) for sequence in sequences for one in sequence) == sorted(id(one) for one in examples)
    fullest = [sum(len(one.input_ids) for one in sequence) for sequence in sequences]
    assert max(fullest) <= 20
    assert sum(fullest) / (20 * len(sequences)) > 0.9
