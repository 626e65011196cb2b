"""Measure the perplexity of texts, and by the loops of others, for comparison."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.data.records import Record
from gptcli.engine.options import BackendName, ModelOptions
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.evaluators.perplexity import Perplexity
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.events import Event, Notice, RowDone, RowFailed
from tests.decoding import reference

FEW = Bootstrap(resamples=100)
ROLES = MeasuredRoles(task="perplexity", columns=("text",), text="text", reason="")
PLAIN = MeasuredRoles(task="perplexity", columns=("text",), text="text", reason="", plain=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an evaluator found, and what it told."""

    evaluator: Perplexity
    scores: RowScores
    events: tuple[Event, ...]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice) and not event.detail]

    @property
    def done(self) -> list[int]:
        return [event.index for event in self.events if isinstance(event, RowDone)]

    @property
    def failed(self) -> list[tuple[int, str]]:
        return [(event.index, event.message) for event in self.events if isinstance(event, RowFailed)]

    @property
    def figures(self) -> dict[str, float]:
        found = self.evaluator.figures(self.scores, FEW)
        return {figure.name: figure.interval.value for figure in found}

    @property
    def details(self) -> dict[str, object]:
        return self.evaluator.details(self.scores)

    def sum(self, column: str) -> float:
        return float(self.scores.columns[column].sum())


def measure(
    directory: Path,
    texts: Iterable[str],
    *,
    plain: bool = False,
    backend: BackendName = "onnx",
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """Return what `evaluate --task perplexity` finds of rows of a table, or of plain text files."""
    evaluator = Perplexity(PerplexityOptions(**options), PLAIN if plain else ROLES)
    rows = (
        (index, Record(source="in.txt", line=index + 1, columns={"text": text})) for index, text in enumerate(texts)
    )
    located = Located(name=directory.name, directory=directory)
    scoring = evaluator.score(located, ModelOptions(device="cpu", backend=backend, batch_size=batch_size), rows)
    events: list[Event] = []
    while True:
        try:
            events.append(next(scoring))
        except StopIteration as end:
            return Measured(evaluator=evaluator, scores=end.value, events=tuple(events))


@cache
def tokenizer_of(directory: Path) -> Tokenizer:
    return load_tokenizer(directory, read_config(directory))


def tokens_of(directory: Path, text: str) -> list[int]:
    return tokenizer_of(directory).encode(text)


def logprobs_of(directory: Path, tokens: Sequence[int]) -> NDArray[np.float64]:
    """Return transformers' log probability of each token but the first, all read at once."""
    import torch

    with torch.no_grad():
        logits: Any = reference(directory)(torch.tensor([list(tokens)])).logits[0, :-1]
    found: NDArray[np.float32] = torch.log_softmax(logits, -1).numpy()[np.arange(len(tokens) - 1), list(tokens[1:])]
    return found.astype(np.float64)


def perplexity_by_the_documentation(directory: Path, text: str, *, max_length: int, stride: int) -> float:
    """Return what the loop of Transformers' page "Perplexity of fixed-length models" gives, step by step."""
    import torch

    ids = torch.tensor([tokens_of(directory, text)])
    length = ids.size(1)
    nats, tokens, previous_end = torch.tensor(0.0), 0, 0
    for begin in range(0, length, stride):
        end = min(begin + max_length, length)
        targets = ids[:, begin:end].clone()
        targets[:, : -(end - previous_end)] = -100
        with torch.no_grad():
            mean = reference(directory)(ids[:, begin:end], labels=targets).loss
        counted = int((targets != -100).sum()) - targets.size(0)
        nats += mean * counted
        tokens += counted
        previous_end = end
        if end == length:
            break
    return math.exp(float(nats) / tokens)


def perplexity_by_llama_cpp(directory: Path, text: str, *, context: int) -> float:
    """Return what llama-perplexity's loop gives: the mean over each chunk's second half less a token."""
    ids = tokens_of(directory, text)
    nats, count = 0.0, 0
    for chunk in range(len(ids) // context):
        logprobs = logprobs_of(directory, ids[chunk * context : (chunk + 1) * context])
        first = context // 2
        for position in range(first, context - 1):
            nats -= logprobs[position]
            count += 1
    return math.exp(nats / count)
