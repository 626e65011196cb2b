"""How much each token of a text speaks for a chosen next token: gradient x input, and integrated gradients.

What is explained is the chosen token's log probability (nats). The baseline of both is the text with all its token
embeddings set to zero and its positions kept. Gradient x input (Shrikumar et al., 2016) multiplies the gradient with
respect to each token's embedding with that embedding. Integrated gradients (Sundararajan et al., 2017) take the mean
gradient on the straight line from the baseline, so that the scores sum to the difference between the log probability
and that of the baseline.
"""

import heapq
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Floats, Tokens, require_finite
from gptcli.engine.opening import opening
from gptcli.engine.options import ModelOptions
from gptcli.engine.torch_backend import as_array, open_model
from gptcli.engine.torch_memory import memory_explained
from gptcli.errors import ConfigError

Method = Literal["gradient-x-input", "integrated-gradients"]

TOLERANCE = 0.01
"""Of the difference that integrated gradients share out: how much of it they may miss."""
LEAST_TOLERANCE = 1e-3
"""Nats: float32 knows log probabilities no better, so that a smaller difference is not asked for to 1 %."""
MOST_GRADIENTS = 4096
"""Where a line is given up."""
FIRST_PARTS = 4
"""Parts of the line to begin with."""
TOKENS_AT_ONCE = 1024
"""Of all points of the line that are computed together: about 0.6 GB with the smallest GPT-2."""

# Gauss and Legendre's rule of three points on [0, 1]: exact for polynomials up to the fifth degree.
_POINTS = (0.5 - math.sqrt(0.15), 0.5, 0.5 + math.sqrt(0.15))
_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientsTaken:
    """How far integrated gradients are."""

    gradients: int
    completeness_error: float
    """At most, so far; they are done at TOLERANCE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """How much each token speaks for (above 0) or against a chosen next token."""

    method: Method
    target: int
    scores: Floats  # (tokens,), nats
    logprob: float
    """Of the target after the text."""
    baseline_logprob: float
    """Of the target after as many tokens whose embeddings are zero."""
    gradients: int
    """How many were taken."""

    @property
    def difference(self) -> float:
        """Return what the scores of integrated gradients share out."""
        return self.logprob - self.baseline_logprob

    @property
    def completeness_error(self) -> float:
        """Return how far the scores' sum is from the difference, as a share of it.

        Only integrated gradients promise that it is small.
        """
        missed = abs(float(self.scores.sum(dtype=np.float64)) - self.difference)
        return missed / max(abs(self.difference), LEAST_TOLERANCE / TOLERANCE)


def open_attributor(located: Located, options: ModelOptions) -> "Attributor":
    """Open a language model's checkpoint for gradients; raise ModelError, DeviceError, or ConfigError.

    The last is for options that cannot apply: gradients are computed by torch, in float32.
    """
    if options.backend == "onnx":
        raise ConfigError("--attribution needs gradients, which --backend onnx does not compute: leave --backend out")
    if options.dtype not in ("auto", "float32"):
        raise ConfigError(f"--attribution is computed in float32: it does not go with --dtype {options.dtype}")
    checked = opening(located, replace(options, backend="torch", dtype="float32"))
    return Attributor(open_model(GPT2LMHeadModel, checked))


class Attributor:
    """Computes attributions with one model. Texts have 1 to n_positions tokens; no number is a ModelError."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self._model = model

    def gradient_x_input(self, tokens: Tokens, target: int) -> Attribution:
        """Return each token's embedding times the gradient there, summed over the embedding's dimensions."""
        line = _Line(self._model, tokens, target)
        return _attribution("gradient-x-input", target, line.scores((1.0,))[0], line.values((0.0, 1.0)), 1)

    def integrated_gradients(self, tokens: Tokens, target: int) -> Generator[GradientsTaken, None, Attribution]:
        """Return the mean of gradient x input on the line from the baseline; yield how far it is.

        Its sum is complete to TOLERANCE.
        On each part of the line the sum must equal the difference between the part's ends: the part that misses it
        most is halved until all together miss no more than is allowed, or MOST_GRADIENTS were taken; what is missed
        then is in completeness_error.
        """
        line = _Line(self._model, tokens, target)
        edges = [part / FIRST_PARTS for part in range(FIRST_PARTS + 1)]
        ends = line.values(edges)
        allowed = max(TOLERANCE * abs(ends[-1] - ends[0]), LEAST_TOLERANCE)
        heap = [(-part.missed, part.begin, part) for part in line.parts(edges, ends)]
        heapq.heapify(heap)
        while True:
            gradients = line.gradients
            missed = math.fsum(part.missed for _, _, part in heap)
            yield GradientsTaken(gradients=gradients, completeness_error=missed * TOLERANCE / allowed)
            if missed <= allowed or gradients >= MOST_GRADIENTS:
                break
            for part in line.halves(heapq.heappop(heap)[2]):
                heapq.heappush(heap, (-part.missed, part.begin, part))
        scores: Doubles = np.sum([part.scores for _, _, part in heap], axis=0)
        return _attribution("integrated-gradients", target, scores, (ends[0], ends[-1]), gradients)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of the line from the baseline to the text."""

    begin: float
    end: float
    values: tuple[float, float]
    """The log probability at both ends."""
    scores: Doubles  # (tokens,), this part's share

    @property
    def missed(self) -> float:
        """Return how far the scores' sum is from what they share out."""
        return abs(float(self.scores.sum()) - (self.values[1] - self.values[0]))


class _Line:
    """The straight line from the baseline, at 0, to a text's token embeddings, at 1."""

    @memory_explained()
    def __init__(self, model: GPT2LMHeadModel, tokens: Tokens, target: int) -> None:
        self._model = model
        self._target = target
        self.gradients = 0
        """How many were taken so far."""
        ids = torch.from_numpy(tokens.astype(np.int64)).to(model.device)
        self._embeddings = model.transformer.wte(ids)  # (tokens, n_embd)

    @memory_explained()
    def values(self, points: Sequence[float]) -> list[float]:
        """Return the target's log probability at points of the line."""
        with torch.no_grad():
            found = [as_array(self._logprobs(self._at(some))) for some in self._batches(points)]
        values = np.concatenate(found)
        require_finite(values)
        return [float(value) for value in values]

    @memory_explained()
    def scores(self, points: Sequence[float]) -> Doubles:
        """Return the text's embeddings times the gradient at points of the line, (points, tokens)."""
        found = []
        for some in self._batches(points):
            inputs = self._at(some).requires_grad_()
            (gradient,) = torch.autograd.grad(self._logprobs(inputs).sum(), inputs)
            found.append(as_array((gradient * self._embeddings).sum(dim=-1)))
        self.gradients += len(points)
        scores = np.concatenate(found)
        require_finite(scores)
        return scores.astype(np.float64)

    def parts(self, edges: Sequence[float], values: Sequence[float]) -> list[_Part]:
        """Return the parts between edges, at which the log probabilities are known."""
        ends = list(pairwise(edges))
        points = [begin + (end - begin) * point for begin, end in ends for point in _POINTS]
        scores = self.scores(points).reshape(len(ends), len(_POINTS), -1)
        return [
            _Part(
                begin=begin,
                end=end,
                values=(values[number], values[number + 1]),
                scores=(end - begin) * np.asarray(_WEIGHTS) @ scores[number],
            )
            for number, (begin, end) in enumerate(ends)
        ]

    def halves(self, part: _Part) -> list[_Part]:
        """Return a part in two."""
        middle = (part.begin + part.end) / 2
        (value,) = self.values((middle,))
        return self.parts((part.begin, middle, part.end), (part.values[0], value, part.values[1]))

    def _batches(self, points: Sequence[float]) -> Iterator[Sequence[float]]:
        most = max(1, TOKENS_AT_ONCE // len(self._embeddings))
        return (points[begin : begin + most] for begin in range(0, len(points), most))

    def _at(self, points: Sequence[float]) -> torch.Tensor:
        """Return the token embeddings at points of the line, (points, tokens, n_embd)."""
        shares = torch.tensor(points, dtype=self._embeddings.dtype, device=self._embeddings.device)
        embeddings: torch.Tensor = shares[:, None, None] * self._embeddings
        return embeddings

    def _logprobs(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return the target's log probabilities (rows,) after rows of token embeddings; the model adds positions."""
        states = self._model.transformer(inputs_embeds=embeddings, use_cache=False).last_hidden_state[:, -1]
        logprobs: torch.Tensor = torch.log_softmax(self._model.lm_head(states).float(), dim=-1)[:, self._target]
        return logprobs


def _attribution(method: Method, target: int, scores: Doubles, values: Sequence[float], gradients: int) -> Attribution:
    """Return what was found; the values are the log probability at the baseline and at the text."""
    return Attribution(
        method=method,
        target=target,
        scores=scores.astype(np.float32),
        baseline_logprob=values[0],
        logprob=values[1],
        gradients=gradients,
    )
