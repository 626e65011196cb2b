"""Texts through an inspector, and through transformers' eager attention, for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import LoadedInspector, load_inspector
from gptcli.engine.options import ModelOptions


@cache
def loaded(directory: Path, backend: str, dtype: str = "float32") -> LoadedInspector:
    """Return an inspector, opened once for all tests."""
    options = ModelOptions(device="cpu", backend=backend, dtype=dtype)  # type: ignore[arg-type]
    return load_inspector(Located(name=directory.name, directory=directory), options)


def tokens_of(ids: Sequence[int]) -> Tokens:
    """Return ids as an inspector takes them."""
    return np.array(ids, np.int32)


def all_logits(model: LoadedInspector, ids: Sequence[int], start: int = 0) -> Floats:
    """Return all chunks of what is predicted, after each token from a position on."""
    return np.concatenate([logits.copy() for logits in model.inspector.logits(tokens_of(ids), start)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What transformers says about a text."""

    logits: NDArray[np.float32]  # (tokens, vocab)
    states: NDArray[np.float32]  # (n_layer + 1, tokens, n_embd), the last after the final layer norm
    attentions: NDArray[np.float32]  # (n_layer, n_head, tokens, tokens)
    lens: NDArray[np.float32]  # (n_layer, tokens, vocab), of all states but the last


@cache
def _model(directory: Path) -> Any:
    """Return transformers' model with eager attention, the only one that gives its weights."""
    import torch
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()


def reference(directory: Path, ids: Sequence[int]) -> Reference:
    """Return what transformers says about a text."""
    import torch

    model = _model(directory)
    with torch.no_grad():
        output = model(torch.tensor([list(ids)]), output_attentions=True, output_hidden_states=True)
        early = torch.cat(output.hidden_states[:-1])
        return Reference(
            logits=output.logits[0].numpy(),
            states=torch.cat(output.hidden_states).numpy(),
            attentions=torch.cat(output.attentions).numpy(),
            lens=model.lm_head(model.transformer.ln_f(early)).numpy(),
        )
