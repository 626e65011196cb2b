"""The options of finetune's data, model and adapter, and those of where a run that trains leaves its model."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import typer

from gptcli.cli.options import Device, ModelName
from gptcli.cli.training_options import default_text, training_option
from gptcli.data.named_templates import NAMED
from gptcli.data.options import DataOptions
from gptcli.data.roles import Task
from gptcli.engine.options import ModelOptions
from gptcli.training.options import LoraOptions, Overflow, TrainingOptions

_LORA = LoraOptions(rank=1)
_OVERFLOW = TrainingOptions().overflow
_DATA = DataOptions(paths=("-",))

_data = partial(typer.Option, rich_help_panel="Data")
_lora = partial(typer.Option, rich_help_panel="Adapter")
_run = partial(typer.Option, rich_help_panel="Output")

ValidationSplit = partial(_data, "--validation-split", metavar="P")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFlags:
    """What is learned from."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help=".csv, .tsv, .jsonl, .json, .txt, .parquet, any but the last also .gz, .xz or .zst; "
            "directories of them; - is standard input.",
            rich_help_panel="Data",
        ),
    ] = None
    task: Annotated[
        Literal["auto", Task] | None,
        _data("--task", show_default="auto", help="Go on with text, label it, or complete a prompt."),
    ] = None
    text_column: Annotated[str | None, _data("--text-column", metavar="NAME", help="The column of the text.")] = None
    label_column: Annotated[str | None, _data("--label-column", metavar="NAME", help="The column of its label.")] = None
    prompt_columns: Annotated[
        list[str] | None,
        _data("--prompt-column", metavar="NAME", help="A column of what is completed. Repeatable."),
    ] = None
    completion_column: Annotated[
        str | None, _data("--completion-column", metavar="NAME", help="The column of how it is completed.")
    ] = None
    template: Annotated[
        str | None,
        _data(
            "--template",
            metavar="TEXT",
            show_default="by the columns",
            help=f"{', '.join(NAMED)}, or a text with {{COLUMN}}s: how the columns of a prompt are put together.",
        ),
    ] = None
    regression: Annotated[bool | None, _data("--regression", help="Labels are numbers to predict.")] = None
    label_separator: Annotated[
        str | None, _data("--label-separator", metavar="TEXT", help="Parts the labels of a row that has several.")
    ] = None
    validation: Annotated[
        str | None, _data("--validation", metavar="FILE", help="Rows to measure on, in place of held-out ones.")
    ] = None
    validation_split: Annotated[
        float | None,
        ValidationSplit(
            show_default=default_text(_DATA.validation_split),
            help="Part of the rows that is held out; a row stays on its side when rows are added.",
        ),
    ] = None
    lines: Annotated[bool | None, _data("--lines", help="Each line of a .txt file is a text of its own.")] = None
    dry_run: Annotated[
        bool, _data("--dry-run", help="Report on the data, the steps, the time and the memory; train nothing.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModelFlags:
    """Which model is tuned, and where."""

    model: ModelName = None
    device: Device = ModelOptions().device


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningFlags:
    """How a model is tuned: what pretrain has no use for."""

    overflow: Annotated[
        Overflow | None,
        training_option(
            "overflow",
            "Data",
            default=f"{_OVERFLOW}, split for lm",
            tells="What to do with a row longer than --max-length.",
        ),
    ] = None
    packing: Annotated[
        bool | None,
        training_option(
            "packing",
            "Speed and memory",
            off=True,
            tells="Several rows make one sequence, and see nothing of each other.",
        ),
    ] = None
    freeze: Annotated[
        int | None,
        training_option("freeze", "Learning", metavar="N", tells="Leave the embeddings and the first N layers as is."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFlags:
    """An adapter in place of all weights."""

    lora_rank: Annotated[
        int | None,
        _lora("--lora", metavar="R", help="Train and save a LoRA adapter of rank R in place of the whole model."),
    ] = None
    lora_alpha: Annotated[
        float | None, _lora("--lora-alpha", metavar="X", show_default="2 R", help="The adapter counts X / R times.")
    ] = None
    lora_dropout: Annotated[
        float | None,
        _lora(
            "--lora-dropout",
            metavar="P",
            show_default=default_text(_LORA.dropout),
            help="Share of what it reads that is zeroed.",
        ),
    ] = None
    lora_target: Annotated[
        list[str] | None,
        _lora(
            "--lora-target",
            metavar="NAME",
            show_default=",".join(_LORA.target),
            help="Modules that get one. Repeatable, or with commas.",
        ),
    ] = None
    merge: Annotated[bool | None, _lora("--merge", help="Fold it in at the end, and save the whole model.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """Where the model goes, where options come from, and how many processes train."""

    output: Annotated[
        str | None,
        _run("-o", "--output", metavar="DIR", show_default="the data's name and -model", help="Save the model there."),
    ] = None
    overwrite: Annotated[bool, _run("--overwrite", help="Replace DIR where it exists.")] = False
    resume: Annotated[
        bool, _run("--resume", help="Go on with DIR, which was interrupted; DIR may stand in the place of the data.")
    ] = False
    config: Annotated[
        str | None,
        _run("--config", metavar="FILE", help="Take options from a training.toml; those on the command line win."),
    ] = None
    num_processes: Annotated[
        int | None,
        typer.Option(
            "--num-processes",
            metavar="N",
            show_default="1",
            rich_help_panel="Speed and memory",
            help="Train in N processes on this machine, a GPU each where there are some.",
        ),
    ] = None
