"""Measure a model on held-out examples: shared among the processes, with the same result for any number of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gptcli.data.labels import LabelKind
from gptcli.evaluation.classification import classification_report
from gptcli.evaluation.multilabel import multilabel_report
from gptcli.evaluation.regression import regression_report
from gptcli.training.batches import IGNORED, Example, make_batch
from gptcli.training.objectives import label_loss
from gptcli.training.processes import Processes

BATCH_TOKENS = 8192
"""Tokens at once: without gradients they take little memory, and more would not be faster."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How good a model is on the held-out rows."""

    metrics: dict[str, float]
    rows: int
    cost: float
    """What the best model has least of: the loss, or 1 - macro F1 and a hair of the loss."""
    confusion: tuple[tuple[int, ...], ...] | None = None


class Validator(ABC):
    """Held-out examples and how they are judged."""

    def __init__(self, examples: Sequence[Example], *, num_labels: int | None = None) -> None:
        self._examples = examples
        self._num_labels = num_labels
        self._batches = _batches([len(example.input_ids) for example in examples])

    def evaluate(self, model: torch.nn.Module, processes: Processes) -> Evaluation:
        """Judge a model, an Objective as the processes have wrapped it; it is left as it was."""
        was_training = model.training
        model.train(False)
        try:
            with torch.no_grad():
                return self._evaluation(self._judge(model, processes))
        finally:
            model.train(was_training)

    def _judge(self, model: torch.nn.Module, processes: Processes) -> Floats:
        """Return the sum of what all batches contribute, over all processes."""
        rounds = -(-len(self._batches) // processes.world)
        found = self._nothing()
        for number in range(rounds):
            index = number * processes.world + processes.rank
            # Where FSDP parts a model, all processes must call it equally often.
            rows = self._batches[min(index, len(self._batches) - 1)]
            examples = [self._examples[row] for row in rows]
            judged = model(make_batch(examples, num_labels=self._num_labels).to(processes.device))
            if index < len(self._batches):
                self._add(found, rows, examples, judged.double().cpu().numpy())
        return processes.total(found)

    @abstractmethod
    def _nothing(self) -> Floats:
        """Return an array to add up in."""

    @abstractmethod
    def _add(self, found: Floats, rows: Sequence[int], examples: Sequence[Example], judged: Floats) -> None:
        """Add a batch."""

    @abstractmethod
    def _evaluation(self, found: Floats) -> Evaluation:
        """Return what the sums say."""


class TokenValidator(Validator):
    """Examples whose tokens are predicted."""

    def __init__(self, examples: Sequence[Example], *, rows: int, eos_id: int, text_bytes: int | None = None) -> None:
        """rows is how many rows the examples come from; text_bytes is what all targets together say, in UTF-8."""
        super().__init__(examples)
        self._rows = rows
        self._eos_id = eos_id
        self._text_bytes = text_bytes

    def _nothing(self) -> Floats:
        return np.zeros(4)  # nats, predictions, probability of EOS at true ends, true ends

    def _add(self, found: Floats, rows: Sequence[int], examples: Sequence[Example], judged: Floats) -> None:
        targets = np.concatenate([example.targets for example in examples if example.targets is not None])
        at_ends = judged[targets[targets != IGNORED] == self._eos_id]
        found += [judged.sum(), len(judged), np.exp(-at_ends).sum(), len(at_ends)]

    def _evaluation(self, found: Floats) -> Evaluation:
        nats, count, stops, ends = found.tolist()
        loss = nats / count if count else math.nan
        metrics = {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
        if self._text_bytes:
            metrics["bits_per_byte"] = nats / math.log(2) / self._text_bytes
        if ends:
            metrics["eos_probability"] = stops / ends
        return Evaluation(metrics=metrics, rows=self._rows, cost=loss)


class LabelValidator(Validator):
    """Examples whose label is predicted."""

    def __init__(self, examples: Sequence[Example], *, kind: LabelKind, num_labels: int) -> None:
        super().__init__(examples, num_labels=num_labels)
        self._kind = kind
        self._width = num_labels

    def _nothing(self) -> Floats:
        return np.zeros((len(self._examples), self._width))

    def _add(self, found: Floats, rows: Sequence[int], examples: Sequence[Example], judged: Floats) -> None:
        found[np.asarray(rows)] += judged

    def _evaluation(self, found: Floats) -> Evaluation:
        targets = make_batch(self._examples, num_labels=self._width).targets
        loss = float(label_loss(torch.from_numpy(found).float(), targets, self._kind)) / len(found)
        cost, confusion = loss, None
        match self._kind:
            case "single":
                report = classification_report(targets.numpy(), found.argmax(1), classes=self._width)
                metrics = {"accuracy": report.accuracy, "macro_f1": report.macro_f1, "matthews": report.matthews}
                confusion = report.confusion
                cost = 1 - report.macro_f1 + 1e-6 * min(loss, 1e3)
            case "multi":
                multi = multilabel_report(targets.numpy() > 0, found > 0)
                metrics = {
                    "subset_accuracy": multi.subset_accuracy,
                    "macro_f1": multi.macro_f1,
                    "micro_f1": multi.micro_f1,
                }
                cost = 1 - multi.macro_f1 + 1e-6 * min(loss, 1e3)
            case "regression":
                fit = regression_report(targets.numpy().astype(np.float64), found[:, 0])
                metrics = {"rmse": fit.rmse, "mae": fit.mae, "pearson": fit.pearson, "spearman": fit.spearman}
        return Evaluation(
            metrics={"loss": loss, **metrics},
            rows=len(found),
            cost=cost,
            confusion=confusion,
        )


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Group examples of like lengths, the longest first, so that memory runs out at once or never."""
    batches: list[list[int]] = []
    tokens = BATCH_TOKENS
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if tokens + lengths[row] > BATCH_TOKENS:
            batches.append([])
            tokens = 0
        batches[-1].append(row)
        tokens += lengths[row]
    return batches
