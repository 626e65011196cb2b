"""What training.toml holds: the tables of a run, how a file of them is read, and the configuration that they are.

A file may hold a part of the tables. Those that a run writes hold every option; a limit that it does not have is
"none", so that no default of a later day takes its place.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError
from gptcli.tasks.training_config import FinetuneConfig, PretrainConfig
from gptcli.training.config_file import Value, read
from gptcli.training.defaults import ENDS
from gptcli.training.options import LoraOptions, TrainingOptions
from gptcli.training.sizes import ShapeOptions
from gptcli.training.typed_tables import NONE, Layout, Tables, check_tables

_ROLES = get_type_hints(WantedRoles)
_DATA = get_type_hints(DataOptions)
_TRAINING = get_type_hints(TrainingOptions)
_SHAPE = get_type_hints(ShapeOptions)
_PRETRAIN = get_type_hints(PretrainConfig)

FINETUNE: Layout = {
    "data": {name: hint for name, hint in (_DATA | _ROLES).items() if name != "wanted"},
    "model": {"model": str | None, "device": str},
    "training": {name: hint for name, hint in _TRAINING.items() if name != "lora"},
    "lora": get_type_hints(LoraOptions),
}
"""The tables of finetune's file, their keys, and the type of each."""
PRETRAIN: Layout = {
    "data": {name: _PRETRAIN[name] for name in ("paths", "column", "validation_split")},
    "model": {name: _PRETRAIN[name] for name in ("tokenizer", "vocab_size")} | _SHAPE | {"device": str},
    "training": FINETUNE["training"],
}
"""The same of pretrain's."""
INSTEAD = (
    ("training", frozenset(ENDS)),
    ("data", frozenset({"validation", "validation_split"})),
)
"""Options that settle one thing together: who gives one of them, gives up the others."""

T = TypeVar("T", DataOptions, WantedRoles, ShapeOptions)


def tables_of_finetune(config: FinetuneConfig, options: TrainingOptions) -> Mapping[str, Mapping[str, Value | None]]:
    """Return the tables that repeat a run: its configuration, and its options as they were resolved."""
    data = _plain(config.data)
    wanted = data.pop("wanted")
    data["paths"] = [_absolute(path) for path in config.data.paths]
    if config.data.validation is not None:
        data["validation"] = _absolute(config.data.validation)
        data["validation_split"] = None
    model = None if config.model is None else _anywhere(config.model)
    return {
        "data": data | _plain(wanted),
        "model": {"model": model, "device": config.run.device},
        "training": _training(options),
    } | ({} if options.lora is None else {"lora": _plain(options.lora)})


def tables_of_pretrain(config: PretrainConfig, options: TrainingOptions) -> Mapping[str, Mapping[str, Value | None]]:
    """Return the tables that repeat a run, as tables_of_finetune does."""
    model = {"tokenizer": _anywhere(config.tokenizer), "vocab_size": config.vocab_size, **_plain(config.shape)}
    return {
        "data": {
            "paths": [_absolute(path) for path in config.paths],
            "column": config.column,
            "validation_split": config.validation_split,
        },
        "model": model | {"device": config.run.device},
        "training": _training(options),
    }


_TOLD_BY = {"model": "finetune", "tokenizer": "pretrain"}
"""Options of the table [model] that tell which command a file is of."""


def read_tables(path: Path, layout: Layout) -> Tables:
    """Return the tables of a file, each value checked; raises ConfigError that names the file and the place."""
    found = read(path)
    for name, command in _TOLD_BY.items():
        if name in found.get("model", {}) and name not in layout["model"]:
            raise ConfigError(f"{path} is of gptcli {command}, whose options are others: use that command")
    tables = check_tables(str(path), found, layout)
    for table, names in INSTEAD[1:]:
        if names <= tables.get(table, {}).keys():
            raise ConfigError(f"{path}: [{table}] {' and '.join(sorted(names))} contradict each other: keep one")
    try:
        given_of(tables)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return tables


def layered(*layers: Tables) -> Tables:
    """Return tables of which each wins over those before it, option by option."""
    merged: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for table, options in layer.items():
            under = merged.setdefault(table, {})
            for _, names in (group for group in INSTEAD if group[0] == table and group[1] & options.keys()):
                for name in names & under.keys():
                    del under[name]
            under |= options
    return merged


def data_of(tables: Tables) -> DataOptions:
    """Return the data that finetune's tables name; raises ConfigError."""
    data = dict(tables.get("data", {}))
    wanted = _made(WantedRoles, data)
    return DataOptions(**{"paths": ()} | {name: value for name, value in data.items() if name in _DATA}, wanted=wanted)


def shape_of(tables: Tables) -> ShapeOptions:
    """Return the shape that pretrain's tables name; raises ConfigError."""
    return _made(ShapeOptions, tables.get("model", {}))


def given_of(tables: Tables) -> dict[str, Any]:
    """Return the fields of TrainingOptions that tables settle; raises ConfigError."""
    given = dict(tables.get("training", {}))
    lora = tables.get("lora", {})
    if lora:
        if "rank" not in lora:
            raise ConfigError("[lora] has no rank, which makes the adapter: add it, or leave the table out")
        given["lora"] = LoraOptions(**lora)
    TrainingOptions(**given)
    return given


def _made(kind: type[T], table: Mapping[str, Any]) -> T:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in table.items() if name in names})


def _training(options: TrainingOptions) -> dict[str, Any]:
    plain = _plain(options)
    del plain["lora"]
    # A text cannot say that it is not there: "none" would be one.
    return {name: NONE if value is None and _TRAINING[name] != str | None else value for name, value in plain.items()}


def _plain(options: Any) -> dict[str, Any]:
    """Return a dataclass's fields; tuples as the lists that TOML has."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _absolute(path: str) -> str:
    return path if path == "-" else os.path.abspath(path)


def _anywhere(model: str) -> str:
    """Return a model's name so that it means the same in every directory."""
    return os.path.abspath(model) if os.path.isdir(model) else model
