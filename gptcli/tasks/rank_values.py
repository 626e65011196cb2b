"""Write values as JSON for another process of a run, and read them back: no pickle, so that no code comes with them."""

import json
from base64 import b64decode, b64encode
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.scorer import ItemScores, SpanScores
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.events import Classified, Completion, Cut, Place, RowFailed, TokenLogprob

_CLASSES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Classified,
        Completion,
        Cut,
        ItemScores,
        Located,
        Place,
        Record,
        RowFailed,
        RowScores,
        SpanScores,
        TokenLogprob,
    )
}
_TAG = "\0class"
"""No column of a user's has this name."""


def packed(value: object) -> bytes:
    """Return a value as JSON; a record without its columns, which may hold anything, and which all processes read."""
    return json.dumps(value, default=_tagged, separators=(",", ":")).encode()


def unpacked(data: bytes) -> object:
    """Return what was packed; sequences inside a dataclass are tuples again."""
    return json.loads(data, object_hook=_untagged)


def _tagged(value: object) -> object:
    """Return the form in JSON of what has none of its own."""
    if isinstance(value, np.ndarray):
        data = b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_TAG: "array", "dtype": value.dtype.str, "shape": value.shape, "data": data}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return {_TAG: "path", "path": str(value)}
    if type(value).__name__ not in _CLASSES or not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is nothing that processes tell each other")
    names = [field.name for field in fields(value) if not (field.name == "columns" and isinstance(value, Record))]
    return {_TAG: type(value).__name__, **{name: getattr(value, name) for name in names}}


def _untagged(found: dict[str, Any]) -> object:
    """Return what stands for itself as it is, and what was tagged as it was."""
    name = found.pop(_TAG, None)
    if name is None:
        return found
    if name == "array":
        values = np.frombuffer(b64decode(found["data"]), np.dtype(found["dtype"]))
        return values.reshape(found["shape"]).copy()
    if name == "path":
        return Path(found["path"])
    return _CLASSES[name](**{key: _frozen(value) for key, value in found.items()})


def _frozen(value: Any) -> Any:
    """Return lists, which JSON makes of tuples, as tuples."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(each) for key, each in value.items()} if isinstance(value, dict) else value
