"""What the model predicts and computes, on torch: transformers' own GPT2LMHeadModel, listened to as it reads."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import HEAD_ROWS, Trace
from gptcli.engine.opening import Opening
from gptcli.engine.torch_backend import as_array, open_model
from gptcli.engine.torch_memory import memory_explained


def open_torch_inspector(model: Opening) -> "TorchInspector":
    """Return an inspector on torch."""
    return TorchInspector(open_model(GPT2LMHeadModel, model), model.config)


class TorchInspector:
    """An inspector on torch; see gptcli.engine.inspector.Inspector for the contract."""

    def __init__(self, model: GPT2LMHeadModel, config: ModelConfig) -> None:
        self._model = model
        self._config = config

    def logits(self, tokens: Tokens, start: int = 0) -> Iterator[Floats]:
        """Yield (positions, vocab), in chunks: what is predicted after tokens[start], tokens[start + 1], ..."""
        for states in torch.split(self._states(tokens)[start:], HEAD_ROWS):
            yield self._predict(states)

    @memory_explained()
    def trace(self, tokens: Tokens) -> Trace:
        """Read a text and keep what its layers computed."""
        layers = _Layers(self._model)
        with layers:
            hidden = as_array(self._states(tokens))
        shape = (len(tokens), self._config.n_head, self._config.head_dim)
        return Trace(
            config=self._config,
            residual=np.stack(layers.residual),
            hidden=hidden,
            queries=[queries.reshape(shape).swapaxes(0, 1) for queries in layers.queries],
            keys=[keys.reshape(shape).swapaxes(0, 1) for keys in layers.keys],
        )

    @memory_explained()
    @torch.inference_mode()
    def predict(self, residual: Floats) -> Floats:
        """Return the logits (rows, vocab) of rows of a residual stream (rows, n_embd): final layer norm and head."""
        states = torch.from_numpy(residual).to(self._model.device, self._model.dtype)
        return np.concatenate(
            [self._predict(self._model.transformer.ln_f(part)) for part in torch.split(states, HEAD_ROWS)]
        )

    @memory_explained()
    @torch.inference_mode()
    def _states(self, tokens: Tokens) -> torch.Tensor:
        """Read a text; return its final hidden states (tokens, n_embd)."""
        row = torch.from_numpy(tokens.astype(np.int64)).to(self._model.device)[None]
        states: torch.Tensor = self._model.transformer(row, use_cache=False).last_hidden_state[0]
        return states

    @memory_explained()
    @torch.inference_mode()
    def _predict(self, states: torch.Tensor) -> Floats:
        """Return the logits (rows, vocab) of final hidden states."""
        return as_array(self._model.lm_head(states))


class _Layers:
    """Keeps what a model's layers compute while its block lasts."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self.residual: list[Floats] = []  # each (tokens, n_embd)
        self.queries: list[Floats] = []
        self.keys: list[Floats] = []
        self._model = model
        self._hooks = ExitStack()

    def __enter__(self) -> None:
        transformer: Any = self._model.transformer
        for norm in (*(block.ln_1 for block in transformer.h), transformer.ln_f):
            self._hooks.callback(norm.register_forward_pre_hook(self._before_norm).remove)
        for block in transformer.h:
            self._hooks.callback(block.attn.c_attn.register_forward_hook(self._projected).remove)

    def __exit__(self, *_: object) -> None:
        self._hooks.close()

    def _before_norm(self, _: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        """Keep the residual stream, which the first norm of each block and the final one read."""
        self.residual.append(as_array(inputs[0][0]))

    def _projected(self, _: torch.nn.Module, _inputs: tuple[Any, ...], packed: torch.Tensor) -> None:
        """Keep queries and keys; the values that lie beside them are let go."""
        queries, keys, _values = packed[0].chunk(3, dim=-1)
        self.queries.append(as_array(queries).copy())
        self.keys.append(as_array(keys).copy())
