"""Run the labelling of texts with labels in words, and do it again by transformers, a pair at a time."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.tasks.config import Long
from gptcli.tasks.labelling.labeller import Labelled, Labeller, TextRow, open_labeller
from gptcli.tasks.labelling.options import LabelOptions, labels_of
from tests.decoding import reference

TEMPLATE = "{text} is {label}"
LABELS = labels_of("bad,good,so so")


@cache
def tokenizer_of(directory: Path) -> Tokenizer:
    """Return a model's tokenizer."""
    return load_tokenizer(directory, read_config(directory))


def opened(
    directory: Path, *, long: Long = "head", batch_size: int | None = None, backend: str = "auto", **options: Any
) -> Labeller:
    """Return the labeller; a test says what matters."""
    model = ModelOptions(device="cpu", batch_size=batch_size, backend=backend)  # type: ignore[arg-type]
    labels = LabelOptions(**{"labels": LABELS, "template": TEMPLATE, **options})
    return open_labeller(Located(name=directory.name, directory=directory), model, labels, long=long)


def rows_of(*texts: str) -> list[TextRow]:
    """Return a row a text."""
    return [
        TextRow(index=index, record=Record(source="in", line=index + 1, columns={"text": text}), text=text)
        for index, text in enumerate(texts)
    ]


def said(labeller: Labeller, *texts: str) -> list[Labelled]:
    """Return what is said of each text."""
    return [found for found in labeller.labelled(rows_of(*texts)) if isinstance(found, Labelled)]


def probabilities(labeller: Labeller, *texts: str) -> np.ndarray:
    """Return the probabilities, (texts, labels)."""
    return np.stack([found.probabilities for found in said(labeller, *texts)])


def reference_logprobs(directory: Path, prompt: str, label: str) -> np.ndarray:
    """Return transformers' log probability of each token of a label behind a prompt that ends before white space."""
    import torch

    tokenizer = tokenizer_of(directory)
    before, after = tokenizer.encode(prompt), tokenizer.encode(label)
    assert tokenizer.encode(prompt + label) == before + after
    with torch.no_grad():
        logits = reference(directory)(torch.tensor([before + after])).logits[0].double()
    logprobs = torch.log_softmax(logits, -1)
    places = range(len(before) - 1, len(before) + len(after) - 1)
    return np.array([float(logprobs[place, token]) for place, token in zip(places, after, strict=True)])


def reference_scores(directory: Path, text: str, labels: Sequence[str], before: str = "") -> np.ndarray:
    """Return the sum over each label's tokens, (labels,), behind the template filled in."""
    return np.array([reference_logprobs(directory, f"{before}{text} is", f" {label}").sum() for label in labels])
