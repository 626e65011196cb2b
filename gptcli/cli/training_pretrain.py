"""The options that only pretrain has: the texts, the tokenizer and the shape of a model that begins with nothing."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer

from gptcli.cli.options import Device
from gptcli.cli.training_groups import ValidationSplit
from gptcli.cli.training_options import TrainingFlags, default_text, retold
from gptcli.engine.options import ModelOptions
from gptcli.tasks.training_config import PretrainConfig
from gptcli.training.defaults import pretrain_options
from gptcli.training.options import OptimizerName, Schedule
from gptcli.training.sizes import ShapeOptions, SizeName

_DEFAULTS = {name: PretrainConfig.__dataclass_fields__[name].default for name in ("tokenizer", "validation_split")}
_BY_SIZE = "by the size"
_CHOSEN = pretrain_options({}, ShapeOptions().resolved())

_data = partial(typer.Option, rich_help_panel="Data")
_model = partial(typer.Option, rich_help_panel="Model")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFlags:
    """What is learned from."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help=".txt, .jsonl, .json, .csv, .tsv, .parquet, any but the last also .gz, .xz or .zst; "
            "directories of them.",
            rich_help_panel="Data",
        ),
    ] = None
    column: Annotated[
        str | None, _data("--column", metavar="NAME", show_default="text", help="The column of the text.")
    ] = None
    validation_split: Annotated[
        float | None,
        ValidationSplit(
            show_default=default_text(_DEFAULTS["validation_split"]), help="Part of the documents that is held out."
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeFlags:
    """The tokenizer and the shape."""

    tokenizer: Annotated[
        str | None,
        _model(
            "--tokenizer",
            metavar="train|NAME|DIR",
            show_default=default_text(_DEFAULTS["tokenizer"]),
            help="Train a tokenizer on the texts, or take a model's.",
        ),
    ] = None
    vocab_size: Annotated[
        int | None,
        _model("--vocab-size", metavar="N", show_default=_BY_SIZE, help="Tokens of a tokenizer that is trained."),
    ] = None
    size: Annotated[
        SizeName | None,
        _model(
            "--size",
            show_default=ShapeOptions().size,
            help="The shape and what goes with it; small to xl are GPT-2's own.",
        ),
    ] = None
    n_layer: Annotated[int | None, _model("--n-layer", metavar="N", show_default=_BY_SIZE, help="Layers.")] = None
    n_head: Annotated[
        int | None, _model("--n-head", metavar="N", show_default=_BY_SIZE, help="Attention heads of a layer.")
    ] = None
    n_embd: Annotated[int | None, _model("--n-embd", metavar="N", show_default=_BY_SIZE, help="Width.")] = None
    n_positions: Annotated[
        int | None, _model("--n-positions", metavar="N", show_default=_BY_SIZE, help="Tokens of its context.")
    ] = None
    device: Device = ModelOptions().device


def _retold(name: str, default: str | None = None) -> Any:
    """Return an option of training with the default that it has here."""
    return retold(TrainingFlags, name, default or default_text(getattr(_CHOSEN, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainingFlags(TrainingFlags):
    """How a model is trained from nothing: the options whose defaults are others here."""

    epochs: Annotated[float | None, _retold("epochs")] = None
    lr: Annotated[float | None, _retold("lr", _BY_SIZE)] = None
    warmup: Annotated[float | None, _retold("warmup")] = None
    schedule: Annotated[Schedule | None, _retold("schedule")] = None
    optimizer: Annotated[OptimizerName | None, _retold("optimizer")] = None
    batch_size: Annotated[str | None, _retold("batch_size")] = None
    weight_decay: Annotated[float | None, _retold("weight_decay")] = None
    dropout: Annotated[float | None, _retold("dropout")] = None
    eval_every: Annotated[float | None, _retold("eval_every")] = None
    save_every: Annotated[float | None, _retold("save_every")] = None
