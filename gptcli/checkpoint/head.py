"""Read what a checkpoint's classification head tells apart, as transformers writes it to config.json."""

from pathlib import Path

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.files import CONFIG, JsonObject, read_json
from gptcli.checkpoint.weights import Weights
from gptcli.data.labels import LabelKind, LabelSet
from gptcli.errors import ModelError

_KINDS: dict[object, LabelKind] = {
    "single_label_classification": "single",
    "multi_label_classification": "multi",
    "regression": "regression",
}


def read_labels(directory: Path, name: str, weights: Weights, config: ModelConfig) -> LabelSet:
    """Return the classes of the head, in the order of its rows; raises ModelError where there is no head.

    name is the model's, for the message that says how to get one.
    """
    head = weights.tensors.get(SCORE)
    if head is None:
        raise ModelError(
            f"{name} has no classification head; name the labels with --labels A,B,... for it to choose among, or tune"
            f" one on labelled rows: gptcli finetune DATA -m {name} -o DIR, then -m DIR"
        )
    path = directory / CONFIG
    if len(head.shape) != 2 or head.shape[1] != config.n_embd or not head.shape[0]:
        raise ModelError(f"{head.file}: {SCORE} has shape {head.shape}, {path} asks for (labels, {config.n_embd})")
    raw = read_json(path)
    kind = _kind(raw, head.shape[0], path)
    return LabelSet(kind=kind, names=() if kind == "regression" else _names(raw, head.shape[0], path))


def refuse_classifier(name: str, weights: Weights) -> None:
    """Raise ModelError for a model that was tuned to label: what it would write is nonsense."""
    if SCORE in weights.tensors:
        raise ModelError(f"{name} is a classifier, which does not write: label texts with gptcli classify -m {name}")


def _kind(raw: JsonObject, count: int, path: Path) -> LabelKind:
    """Return the kind of label; a head of one row is a regression unless the file says otherwise."""
    said = raw.get("problem_type")
    if said is None:
        return "regression" if count == 1 else "single"
    kind = _KINDS.get(said) if isinstance(said, str) else None
    if kind is None:
        raise ModelError(f"{path}: problem_type {said!r} is not supported; supported: {', '.join(map(str, _KINDS))}")
    if kind == "regression" and count > 1:
        raise ModelError(f"{path}: a regression of {count} numbers is not supported; give a model with one label")
    return kind


def _names(raw: JsonObject, count: int, path: Path) -> tuple[str, ...]:
    """Return the labels by their number; those that nobody named are called as in transformers."""
    table = raw.get("id2label")
    if table is None:
        return tuple(f"LABEL_{number}" for number in range(count))
    if not isinstance(table, dict) or set(table) != {str(number) for number in range(count)}:
        raise ModelError(f"{path}: id2label must name the labels 0 to {count - 1}, the rows of {SCORE}")
    names = tuple(str(table[str(number)]) for number in range(count))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"{path}: id2label gives the name {twice!r} to two labels; give each its own")
    return names
