"""The options of finetune's data, model and adapter, and those of where a run that trains leaves its model."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import typer

from gptcli.cli.data_options import (
    CompletionColumn,
    LabelColumn,
    Lines,
    Paths,
    PromptColumns,
    TextColumn,
    data_option,
)
from gptcli.cli.escapes import unescaped
from gptcli.cli.options import Device, ModelName, NumProcesses
from gptcli.cli.training_options import default_text, training_option
from gptcli.data.named_templates import NAMED
from gptcli.data.options import DataOptions
from gptcli.data.roles import Task
from gptcli.engine.options import ModelOptions
from gptcli.training.options import LoraOptions, Overflow, TrainingOptions

_LORA = LoraOptions(rank=1)
_OVERFLOW = TrainingOptions().overflow
_DATA = DataOptions(paths=("-",))

_lora = partial(typer.Option, rich_help_panel="Adapter")
_run = partial(typer.Option, rich_help_panel="Output")

ValidationSplit = partial(data_option, "--validation-split", metavar="P")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFlags:
    """What is learned from."""

    paths: Paths = None
    task: Annotated[
        Literal["auto", Task] | None,
        data_option("--task", show_default="auto", help="Go on with text, label it, or complete a prompt."),
    ] = None
    text_column: TextColumn = None
    label_column: LabelColumn = None
    prompt_columns: PromptColumns = None
    completion_column: CompletionColumn = None
    template: Annotated[
        str | None,
        data_option(
            "--template",
            metavar="TEXT",
            parser=unescaped,
            show_default="by the columns",
            help=f"{', '.join(NAMED)}, or a text with {{COLUMN}}s: how the columns of a prompt are put together.",
        ),
    ] = None
    regression: Annotated[bool | None, data_option("--regression", help="Labels are numbers to predict.")] = None
    label_separator: Annotated[
        str | None, data_option("--label-separator", metavar="TEXT", help="Parts the labels of a row that has several.")
    ] = None
    validation: Annotated[
        str | None, data_option("--validation", metavar="FILE", help="Rows to measure on, in place of held-out ones.")
    ] = None
    validation_split: Annotated[
        float | None,
        ValidationSplit(
            show_default=default_text(_DATA.validation_split),
            help="Part of the rows that is held out; a row stays on its side when rows are added.",
        ),
    ] = None
    lines: Lines = None
    dry_run: Annotated[
        bool, data_option("--dry-run", help="Report on the data, the steps, the time and the memory; train nothing.")
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
    num_processes: NumProcesses = None
