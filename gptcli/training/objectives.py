"""What is learned: the next token, or a label. Each is a module that turns a batch into a summed loss.

The sum is divided by the number of predictions of the whole step, over all its batches and processes, so that many
small batches equal a large one.
"""

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers.modeling_utils import PreTrainedModel

from gptcli.data.labels import LabelKind
from gptcli.training.batches import Batch
from gptcli.training.loss import linear_cross_entropy, token_losses


class Objective(nn.Module, ABC):
    """A model and its loss; the only module that is wrapped for many processes."""

    _no_split_modules = ("GPT2Block",)  # where FSDP may cut; accelerate reads this name

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def hidden(self, batch: Batch) -> torch.Tensor:
        """Return the last hidden state of each token that predicts, (predictions, width)."""
        states: torch.Tensor = self.model.base_model(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            row_groups=batch.row_groups,
            use_cache=False,
        ).last_hidden_state
        predicting: torch.Tensor = states[0, batch.predicting]
        return predicting

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return loss(batch) while training, else judged(batch): what wraps a model sees its forward only."""
        return self.loss(batch) if self.training else self.judged(batch)

    @abstractmethod
    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss, summed over the predictions, in nats (in squared units for a regression)."""

    @abstractmethod
    def judged(self, batch: Batch) -> torch.Tensor:
        """Return what metrics are made of, a row for each prediction, in float32."""


class NextToken(Objective):
    """Predict each wanted token from those before it in its row."""

    model: GPT2LMHeadModel

    def __init__(self, model: GPT2LMHeadModel, *, label_smoothing: float = 0.0) -> None:
        super().__init__(model)
        self._label_smoothing = label_smoothing

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the summed cross entropy."""
        head = self.model.lm_head.weight
        return linear_cross_entropy(self.hidden(batch), head, batch.targets, label_smoothing=self._label_smoothing)

    def judged(self, batch: Batch) -> torch.Tensor:
        """Return the cross entropy of each prediction, (predictions,)."""
        return token_losses(self.hidden(batch), self.model.lm_head.weight, batch.targets)


class Label(Objective):
    """Predict a row's label from its last token."""

    model: GPT2ForSequenceClassification

    def __init__(self, model: GPT2ForSequenceClassification, *, kind: LabelKind, label_smoothing: float = 0.0) -> None:
        super().__init__(model)
        self._kind = kind
        self._label_smoothing = label_smoothing

    def judged(self, batch: Batch) -> torch.Tensor:
        """Return the logits, (rows, labels), in float32."""
        logits: torch.Tensor = self.model.score(self.hidden(batch))
        return logits.float()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the summed loss, as transformers chooses it for the kind of label."""
        return label_loss(self.judged(batch), batch.targets, self._kind, label_smoothing=self._label_smoothing)


def label_loss(
    scores: torch.Tensor, targets: torch.Tensor, kind: LabelKind, *, label_smoothing: float = 0.0
) -> torch.Tensor:
    """Return the summed loss of logits (rows, labels) for the kind of label."""
    match kind:
        case "single":
            return cross_entropy(scores, targets, reduction="sum", label_smoothing=label_smoothing)
        case "multi":
            return binary_cross_entropy_with_logits(scores, targets, reduction="sum") / scores.shape[1]
        case "regression":
            return mse_loss(scores[:, 0], targets, reduction="sum")
