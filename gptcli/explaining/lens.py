"""The logit lens: what the model would predict if it stopped after each of its layers (nostalgebraist, 2020)."""

from dataclasses import dataclass

import numpy as np

from gptcli.engine.inspector import Inspector, Trace
from gptcli.explaining.distribution import distributions, likeliest


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPrediction:
    """The next token as one state of the residual stream predicts it."""

    layer: int
    """0 is the embeddings, n_layer the model's own prediction."""
    top: tuple[tuple[int, float], ...]
    """The likeliest tokens with their probabilities, likeliest first."""
    entropy: float
    """Nats, of the whole distribution."""


def lens(inspector: Inspector, trace: Trace, position: int, top: int) -> tuple[LayerPrediction, ...]:
    """Return what each layer predicts after the token at a position, by the final layer norm and the head.

    Raises ModelError for a model that predicts no number.
    """
    found = distributions(inspector.predict(np.ascontiguousarray(trace.residual[:, position])))
    predictions = []
    for layer, logprobs in enumerate(found.logprobs):
        best = likeliest(logprobs, top)
        probabilities = np.exp(logprobs[best])
        predictions.append(
            LayerPrediction(
                layer=layer,
                top=tuple(zip(best.tolist(), probabilities.tolist(), strict=True)),
                entropy=float(found.entropy[layer]),
            )
        )
    return tuple(predictions)
