"""The classification head on torch: transformers' own GPT2ForSequenceClassification, told where each row ends."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import GPT2ForSequenceClassification

from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.opening import Opening
from gptcli.engine.torch_backend import as_array, open_model
from gptcli.engine.torch_memory import memory_explained


def open_torch_classifier(model: Opening) -> "TorchClassifier":
    """Return a classifier on torch."""
    return TorchClassifier(open_model(GPT2ForSequenceClassification, model))


class TorchClassifier:
    """A classifier on torch; see gptcli.engine.classifier.Classifier for the contract."""

    most_tokens = 4096

    def __init__(self, model: GPT2ForSequenceClassification) -> None:
        self._model = model

    @memory_explained()
    @torch.inference_mode()
    def classify(self, rows: Sequence[Tokens]) -> Floats:
        """Return the logits (rows, labels) at each row's last token."""
        device = self._model.device
        tokens = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for row, ids in enumerate(rows):
            tokens[row, : len(ids)] = ids
        # Padding stands behind every real token, so that the causal mask alone hides it.
        states = self._model.transformer(torch.from_numpy(tokens).to(device), use_cache=False).last_hidden_state
        last = torch.tensor([len(ids) - 1 for ids in rows], device=device)
        return as_array(self._model.score(states[torch.arange(len(rows), device=device), last]))
