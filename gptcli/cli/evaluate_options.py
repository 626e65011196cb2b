"""The options of evaluate that all of its tasks have: the data, the models, and what becomes of the figures."""

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
from gptcli.cli.options import Backend, BatchSize, Device, NumberFormat, NumProcesses, Threads
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.evaluators.options import TaskName

_BOOTSTRAP = Bootstrap()
_MODEL = ModelOptions()

_model = partial(typer.Option, rich_help_panel="Model")
_result = partial(typer.Option, rich_help_panel="Result")

Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME",
        rich_help_panel="How it is measured",
        help="Measure as others do, so that a published figure compares: hf-docs, gpt2-paper, lm-eval or llama.cpp for "
        "perplexity, lm-eval or last-token for lastword, plain or lm-eval for choices.",
    ),
]
"""Of several tasks, each of which knows its own names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationDataFlags:
    """What is measured on."""

    paths: Paths = None
    task: Annotated[
        Literal["auto", TaskName],
        data_option(
            "--task", help="What to measure; auto goes by the data as finetune does, and never chooses lastword."
        ),
    ] = "auto"
    text_column: TextColumn = None
    label_column: LabelColumn = None
    prompt_columns: PromptColumns = None
    completion_column: CompletionColumn = None
    lines: Lines = None
    limit: Annotated[
        int | None, data_option("--limit", metavar="N", help="Read the first N rows only, and say so.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsFlags:
    """Which models run, where and how."""

    models: Annotated[
        list[str] | None,
        _model(
            "-m",
            "--model",
            metavar="NAME|DIR",
            show_default="GPTCLI_MODEL, else gpt2",
            help="A GPT-2, or a LoRA adapter of one: a directory, a name on the Hugging Face Hub, or builtin. "
            "Repeatable: models stand side by side in one table.",
        ),
    ] = None
    versus: Annotated[
        str | None,
        _model("--vs", metavar="NAME|DIR", help="Compare each model with this one, row by row."),
    ] = None
    device: Device = _MODEL.device
    dtype: NumberFormat = _MODEL.dtype
    backend: Backend = _MODEL.backend
    batch_size: BatchSize = _MODEL.batch_size
    threads: Threads = _MODEL.threads
    num_processes: NumProcesses = None

    def options(self, name: str | None) -> ModelOptions:
        """Return those of one model, checked; raises ConfigError."""
        return ModelOptions(
            model=name,
            device=self.device,
            dtype=self.dtype,
            backend=self.backend,
            batch_size=self.batch_size,
            threads=self.threads,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFlags:
    """How sure the figures are, where they go, and how good they must be."""

    bootstrap: Annotated[
        int, _result("--bootstrap", metavar="N", help="Resample the rows N times for the 95 % intervals.")
    ] = _BOOTSTRAP.resamples
    seed: Annotated[int, _result("--seed", metavar="N", help="The same seed gives the same intervals.")] = (
        _BOOTSTRAP.seed
    )
    json: Annotated[bool, _result("--json", help="Print one JSON object in place of the table.")] = False
    per_row: Annotated[
        str | None,
        _result("--per-row", metavar="FILE", help="Write each row's scores to FILE, a line of JSON a row."),
    ] = None
    overwrite: Annotated[bool, _result("--overwrite", help="Replace FILE where it exists.")] = False
    fail_under: Annotated[
        list[str] | None,
        _result(
            "--fail-under",
            metavar="METRIC=VALUE",
            help="Exit with 8 if a figure of -m is below VALUE; above it, where lower is better, as of perplexity. "
            "Repeatable.",
        ),
    ] = None

    def bounds(self) -> tuple[Bound, ...]:
        """Return each --fail-under; raises ConfigError for what is none."""
        return tuple(map(_bound, self.fail_under or ()))


def _bound(text: str) -> Bound:
    metric, _, value = text.partition("=")
    try:
        return Bound(metric=metric.strip(), value=float(value))
    except ValueError:
        raise ConfigError(f"--fail-under wants METRIC=VALUE with VALUE a number, not {text!r}") from None
