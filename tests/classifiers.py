"""Tiny models with a classification head, and transformers' logits for comparison."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.locate import Located
from gptcli.engine.classifier import LoadedClassifier, load_classifier
from gptcli.engine.classify_stream import Document, DocumentLogits, logits_in_order
from gptcli.engine.options import ModelOptions
from tests.conftest import TINY_SHAPE, write_byte_tokenizer


def save_random_classifier(
    directory: Path, *labels: str, kind: str | None = "single_label_classification", seed: int = 0, **shape: Any
) -> Path:
    """Save a random classifier whose answers are far from uniform, with its byte-level tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2ForSequenceClassification

    names = dict(enumerate(labels))
    config = GPT2Config(
        **{**TINY_SHAPE, "bos_token_id": 0, "eos_token_id": 0, "problem_type": kind, **shape},
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = GPT2ForSequenceClassification(config)
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(directory)
    write_byte_tokenizer(directory, config.vocab_size)
    return directory


@cache
def loaded(directory: Path, backend: str, dtype: str = "float32") -> LoadedClassifier:
    """Return a classifier, opened once for all tests."""
    options = ModelOptions(device="cpu", backend=backend, dtype=dtype)  # type: ignore[arg-type]
    return load_classifier(Located(name=directory.name, directory=directory), options)


def logits(
    model: LoadedClassifier, rows: Sequence[Sequence[int]], most_rows: int | None = None
) -> list[NDArray[np.float32]]:
    """Return each row's logits, in the order in which they come out."""
    documents = [Document(key=key, windows=(np.array(row, np.int32),)) for key, row in enumerate(rows)]
    results = logits_in_order(model.classifier, documents, most_rows=most_rows)
    return [result.values[0] for result in results if isinstance(result, DocumentLogits)]


@cache
def reference(directory: Path) -> Any:
    """Return transformers' classifier, opened once for all tests."""
    import torch
    from transformers import GPT2ForSequenceClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return GPT2ForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()


def reference_logits(directory: Path, row: Sequence[int]) -> NDArray[np.float32]:
    """Return transformers' logits of one row without padding."""
    import torch

    with torch.no_grad():
        values: NDArray[np.float32] = reference(directory)(torch.tensor([list(row)])).logits[0].numpy()
    return values
