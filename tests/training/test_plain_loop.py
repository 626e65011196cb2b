"""A run learns what a plain loop of torch around transformers' model and padded batches learns, step for step."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Tokenizer
from transformers.modeling_utils import PreTrainedModel

from gptcli.training.optimizer import ADAM_BETAS
from tests.conftest import save_random_gpt2
from tests.tuning import Tuned, tune, write_rows

EOS, IGNORED = 0, -100
STEPS, WARMUP, LR, DECAY, MOST_NORM = 4, 2, 2e-3, 0.1, 1.0
RUN: dict[str, Any] = {
    "validation_split": 0.0,
    "max_steps": STEPS,
    "warmup": float(WARMUP),
    "lr": LR,
    "weight_decay": DECAY,
    "max_grad_norm": MOST_NORM,
    "save_every": 1000.0,
}
"""Of full batches, so that the order of rows does not matter."""
Loss = Callable[[Any], torch.Tensor]


def texts(count: int, seed: int = 0) -> list[str]:
    """Return texts of many lengths."""
    drawn = random.Random(seed)
    return ["".join(drawn.choices("abc de", k=drawn.randint(1, 30))).strip() or "a" for _ in range(count)]


def plain_loop(model: PreTrainedModel, loss_of: Loss) -> list[float]:
    """Train a model of transformers; return the losses."""
    model.train()
    matrices = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.ndim == 2]
    rest = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=ADAM_BETAS)
    losses = []
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = LR * (step / WARMUP if step < WARMUP else 1 - (step - 1) / STEPS)
        loss = loss_of(model)
        losses.append(float(loss.detach()))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MOST_NORM)
        optimizer.step()
        optimizer.zero_grad()
    return losses


def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
    """Return rows beside each other, filled up at their ends."""
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def documents(directory: Path, lines: list[str], *, label_smoothing: float = 0.0) -> Loss:
    """Return the loss of documents between end marks, as run_clm pads it: labels are -100 there, and nowhere else."""
    tokenizer = GPT2Tokenizer.from_pretrained(directory)
    rows = [[EOS, *tokenizer(line)["input_ids"], EOS] for line in lines]
    inputs, labels = padded(rows, EOS), padded(rows, IGNORED)
    mask = (labels != IGNORED).long()

    def loss_of(model: Any) -> torch.Tensor:
        if not label_smoothing:
            loss: torch.Tensor = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
            return loss
        logits = model(input_ids=inputs, attention_mask=mask).logits[:, :-1]
        return cross_entropy(
            logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, label_smoothing=label_smoothing
        )

    return loss_of


def require_equal(tuned: Tuned, losses: list[float], model: PreTrainedModel, kind: type[PreTrainedModel]) -> None:
    """Compare the losses, and what the two models say in the end."""
    assert tuned.losses == pytest.approx(losses, rel=1e-5)
    probe = torch.tensor([[5, 6, 7, 1, 8]])
    saved = kind.from_pretrained(tuned.directory).eval()
    with torch.no_grad():
        logits, expected = saved(probe).logits, model.eval()(probe).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 32},
        {"batch_size": 8, "gradient_accumulation": 3},
        {"batch_size": 32, "packing": True},
        {"batch_size": 3, "gradient_accumulation": 8, "packing": True},
        {"batch_size": 32, "gradient_checkpointing": True},
        {"batch_size": 32, "label_smoothing": 0.1},
        {"batch_size": 16, "gradient_accumulation": 2, "freeze": 1},
    ],
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()),
)
def test_documents_are_learned_as_padded_batches_are(tiny: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    lines = texts(24)
    data = write_rows(tmp_path / "data.jsonl", [{"text": line} for line in lines])
    tuned = tune(data, tmp_path / "out", tiny, **RUN | options)
    model = GPT2LMHeadModel.from_pretrained(tiny, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    if "freeze" in options:
        for part in (model.transformer.wte, model.transformer.wpe, model.transformer.h[0]):
            part.requires_grad_(False)
    losses = plain_loop(model, documents(tiny, lines, label_smoothing=options.get("label_smoothing", 0.0)))
    require_equal(tuned, losses, model, GPT2LMHeadModel)


@pytest.mark.parametrize(
    "shape",
    [
        {"tie_word_embeddings": False, "n_inner": 40},
        {"scale_attn_by_inverse_layer_idx": True, "activation_function": "relu"},
        {"scale_attn_weights": False, "layer_norm_epsilon": 1e-3, "activation_function": "gelu", "spread": 0.1},
    ],
    ids=lambda shape: ",".join(shape),
)
def test_unusual_models_are_learned_as_transformers_computes_them(tmp_path: Path, shape: dict[str, Any]) -> None:
    base, lines = save_random_gpt2(tmp_path / "base", **shape), texts(24)
    data = write_rows(tmp_path / "data.jsonl", [{"text": line} for line in lines])
    tuned = tune(data, tmp_path / "out", base, **RUN, batch_size=32)
    model = GPT2LMHeadModel.from_pretrained(base, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    require_equal(tuned, plain_loop(model, documents(base, lines)), model, GPT2LMHeadModel)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch warns of itself while it compiles
def test_compiled_layers_learn_the_same_from_rows_of_any_length(tmp_path: Path) -> None:
    base = save_random_gpt2(tmp_path / "base", n_layer=1)
    data = write_rows(tmp_path / "data.jsonl", [{"text": line} for line in texts(24)])
    losses = [
        tune(data, tmp_path / str(compiled), base, **RUN, batch_size=5, compile=compiled).losses
        for compiled in (False, True)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_completions_are_learned_as_padded_batches_are(tiny: Path, tmp_path: Path) -> None:
    prompts, completions = texts(20), texts(20, seed=1)
    rows = [{"prompt": prompt, "completion": text} for prompt, text in zip(prompts, completions, strict=True)]
    tuned = tune(write_rows(tmp_path / "data.jsonl", rows), tmp_path / "out", tiny, **RUN, batch_size=32)
    tokenizer = GPT2Tokenizer.from_pretrained(tiny)
    pairs = [(tokenizer(row["prompt"])["input_ids"], tokenizer(f" {row['completion']}")["input_ids"]) for row in rows]
    pairs = [(prompt[-(48 - len(text)) :], text) for prompt, text in pairs]  # the context is 48
    inputs = padded([[*prompt, *text, EOS] for prompt, text in pairs], EOS)
    labels = padded([[IGNORED] * len(prompt) + [*text, EOS] for prompt, text in pairs], IGNORED)

    def loss_of(model: Any) -> torch.Tensor:
        logits = model(input_ids=inputs[:, :-1]).logits  # what pads stands behind all that is learned
        return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)

    model = GPT2LMHeadModel.from_pretrained(tiny, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    require_equal(tuned, plain_loop(model, loss_of), model, GPT2LMHeadModel)


KINDS: dict[str, tuple[Callable[[int], Any], Callable[[int], Any], dict[str, Any]]] = {
    "single": (lambda n: "abc"[n % 3], lambda n: n % 3, {}),
    "multi": (
        lambda n: ["a", "b", "c"][: n % 4],
        lambda n: [float(n % 4 > label) for label in range(3)],
        {},
    ),
    "regression": (lambda n: n / 7 - 1, lambda n: n / 7 - 1, {"regression": True}),
}
"""The label of a row as the data has it, and as transformers takes it."""


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_learned_by_the_loss_that_transformers_has_for_them(tiny: Path, tmp_path: Path, kind: str) -> None:
    label, target, more = KINDS[kind]
    lines = texts(20)
    data = write_rows(tmp_path / "data.jsonl", [{"text": line, "label": label(n)} for n, line in enumerate(lines)])
    # A rate of next to nothing makes a classifier with a head to begin with.
    base = tune(data, tmp_path / "base", tiny, **RUN | more | {"max_steps": 1, "lr": 1e-30, "weight_decay": 0.0})
    tuned = tune(data, tmp_path / "out", base.directory, **RUN | more, batch_size=8, gradient_accumulation=3)
    tokenizer = GPT2Tokenizer.from_pretrained(base.directory)
    batch = tokenizer(lines, padding=True, return_tensors="pt")
    labels = torch.tensor([target(n) for n in range(len(lines))])
    model = GPT2ForSequenceClassification.from_pretrained(base.directory)

    def loss_of(model: Any) -> torch.Tensor:
        loss: torch.Tensor = model(**batch, labels=labels).loss
        return loss

    require_equal(tuned, plain_loop(model, loss_of), model, GPT2ForSequenceClassification)
