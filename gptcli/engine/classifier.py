"""What the engine asks of a model with a classification head, and how one is opened."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.head import read_labels
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.data.labels import LabelSet
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement, choose_placement, thread_count


class Classifier(Protocol):
    """A model and its classification head. Rows never see each other, and padding is never read."""

    most_tokens: int
    """Padded tokens of a pass: enough to use the arithmetic fully; one row may have more."""

    def classify(self, rows: Sequence[Tokens]) -> Floats:
        """Return the logits (rows, labels) at each row's last token; rows have 1 to n_positions tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedClassifier:
    """A classifier that is ready to run."""

    name: str
    directory: Path
    dtype: str
    config: ModelConfig
    tokenizer: Tokenizer
    labels: LabelSet
    classifier: Classifier
    most_rows: int | None
    """Rows of a pass, where the user settled it."""
    description: str
    """What was chosen and why, for --verbose."""


def load_classifier(located: Located, options: ModelOptions) -> LoadedClassifier:
    """Open a located model; raise ModelError, for one without a classification head too, DeviceError or ConfigError."""
    config = read_config(located.directory)
    placement = choose_placement(options, config.head_dim)
    weights = open_weights(located.directory, config)
    labels = read_labels(located.directory, located.name, weights, config)
    threads = thread_count(options)
    with ThreadPoolExecutor(1) as pool:
        tokenizer = pool.submit(load_tokenizer, located.directory, config)
        classifier = _open(config, weights, placement, threads)
    names = "a number" if labels.kind == "regression" else ", ".join(labels.names)
    return LoadedClassifier(
        name=located.name,
        directory=located.directory,
        dtype=placement.dtype,
        config=config,
        tokenizer=tokenizer.result(),
        labels=labels,
        classifier=classifier,
        most_rows=options.batch_size,
        description=f"{located.name} from {located.directory}; {placement.backend} backend on {placement.reason}; "
        f"{placement.dtype}, {threads} threads; {labels.kind}: {names}",
    )


def _open(config: ModelConfig, weights: Weights, placement: Placement, threads: int) -> Classifier:
    """Open the backend that was chosen; torch is imported only for its own."""
    if placement.backend == "torch":
        from gptcli.engine.torch_classifier import open_torch_classifier

        return open_torch_classifier(config, weights, placement, threads=threads)
    from gptcli.engine.onnx.classifier import OnnxClassifier

    return OnnxClassifier(config, weights, threads=threads, quantized=placement.dtype == "int8")
