"""What the engine asks of a model with a classification head, and how one is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gptcli.checkpoint.head import read_labels
from gptcli.checkpoint.locate import Located
from gptcli.data.labels import LabelSet
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.opening import Loaded, Opening, opening
from gptcli.engine.options import ModelOptions


class Classifier(Protocol):
    """A model and its classification head. Rows never see each other, and padding is never read."""

    most_tokens: int
    """Padded tokens of a pass: enough to use the arithmetic fully; one row may have more."""

    def classify(self, rows: Sequence[Tokens]) -> Floats:
        """Return the logits (rows, labels) at each row's last token; rows have 1 to n_positions tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedClassifier(Loaded):
    """A classifier that is ready to run."""

    labels: LabelSet
    classifier: Classifier
    most_rows: int | None
    """Rows of a pass, where the user settled it."""


def load_classifier(located: Located, options: ModelOptions) -> LoadedClassifier:
    """Open a located model; raise ModelError, for one without a classification head too, DeviceError or ConfigError."""
    checked = opening(located, options)
    labels = read_labels(located.directory, located.name, checked.weights, checked.config)
    tokenizer, classifier = checked.beside_tokenizer(_open)
    names = "a number" if labels.kind == "regression" else ", ".join(labels.names)
    return LoadedClassifier(
        name=located.name,
        directory=located.directory,
        dtype=checked.placement.dtype,
        config=checked.config,
        tokenizer=tokenizer,
        description=f"{checked.description}; {labels.kind}: {names}",
        labels=labels,
        classifier=classifier,
        most_rows=options.batch_size,
    )


def _open(model: Opening) -> Classifier:
    """Open the backend that was chosen; torch is imported only for its own."""
    if model.placement.backend == "torch":
        from gptcli.engine.torch_classifier import open_torch_classifier

        return open_torch_classifier(model)
    from gptcli.engine.onnx.classifier import OnnxClassifier

    return OnnxClassifier(model.config, model.weights, threads=model.threads, quantized=model.quantized)
