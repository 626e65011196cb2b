"""The options of training on the command line; None is "not given", and help shows the defaults of TrainingOptions."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

from gptcli.cli.units import parse_duration
from gptcli.errors import ConfigError
from gptcli.training.defaults import CLASSIFY_BATCH, LORA_LR_FACTOR
from gptcli.training.options import MixedPrecision, OptimizerName, Schedule, Tracker, TrainingOptions

_TRACKERS = get_args(Tracker)
_DEFAULTS = {field.name: field.default for field in fields(TrainingOptions)}


def training_option(
    name: str, section: str, *, tells: str, metavar: str | None = None, default: str | None = None, off: bool = False
) -> Any:
    """Return the option that settles a field of TrainingOptions; off adds the one that takes it back."""
    spelled = f"--{name.replace('_', '-')}"
    return typer.Option(
        f"{spelled}/--no-{spelled[2:]}" if off else spelled,
        rich_help_panel=section,
        metavar=metavar,
        show_default=default or default_text(_DEFAULTS[name]),
        help=tells,
    )


def default_text(value: object) -> str | bool:
    """Return a default as help tells it; False for one that is better left unsaid."""
    if isinstance(value, bool):
        return "on" if value else False
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else False


def retold(group: type[Any], name: str, default: str | bool) -> Any:
    """Return an option of a group as it is, with another default told: of a command that chooses its own."""
    option = copy.copy(get_type_hints(group, include_extras=True)[name].__metadata__[0])
    option.show_default = default
    return option


_LENGTH, _LEARNING, _MEASURING, _COST = "Length of the run", "Learning", "Evaluation", "Speed and memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFlags:
    """How a model is trained: what both commands take."""

    epochs: Annotated[
        float | None, training_option("epochs", _LENGTH, metavar="N", tells="Passes over the rows; 0.5 is half of one.")
    ] = None
    max_steps: Annotated[int | None, training_option("max_steps", _LENGTH, metavar="N", tells="Most steps.")] = None
    max_tokens: Annotated[
        int | None,
        training_option(
            "max_tokens", _LENGTH, metavar="N", tells="Tokens to learn from; the step that reaches them is the last."
        ),
    ] = None
    max_time: Annotated[
        str | None,
        training_option(
            "max_time", _LENGTH, metavar="TIME", tells="End well after 90s, 30m or 2h of training: evaluated and saved."
        ),
    ] = None
    early_stopping: Annotated[
        int | None,
        training_option(
            "early_stopping", _LENGTH, metavar="PATIENCE", tells="End after so many evaluations without a better one."
        ),
    ] = None
    lr: Annotated[
        float | None,
        training_option(
            "lr",
            _LEARNING,
            metavar="X",
            default=f"{default_text(_DEFAULTS['lr'])} for gpt2, {LORA_LR_FACTOR} times that with --lora",
            tells="The highest learning rate.",
        ),
    ] = None
    warmup: Annotated[
        float | None,
        training_option(
            "warmup", _LEARNING, metavar="N", tells="Steps, or below 1 the part of the run, in which the rate rises."
        ),
    ] = None
    schedule: Annotated[
        Schedule | None,
        training_option(
            "schedule", _LEARNING, tells="Then the rate falls in a line or a cosine, stays, or falls late."
        ),
    ] = None
    optimizer: Annotated[
        OptimizerName | None,
        training_option("optimizer", _LEARNING, tells="Muon trains matrices from nothing in fewer steps."),
    ] = None
    batch_size: Annotated[
        str | None,
        training_option(
            "batch_size",
            _LEARNING,
            metavar="N|auto",
            default=f"{_DEFAULTS['batch_size']}, {CLASSIFY_BATCH} to classify",
            tells="Sequences at once; auto is the most that fits in memory.",
        ),
    ] = None
    gradient_accumulation: Annotated[
        int | None,
        training_option("gradient_accumulation", _LEARNING, metavar="N", tells="Batches that make one step."),
    ] = None
    weight_decay: Annotated[
        float | None, training_option("weight_decay", _LEARNING, metavar="X", tells="Pulls matrices towards 0.")
    ] = None
    max_grad_norm: Annotated[
        float | None,
        training_option("max_grad_norm", _LEARNING, metavar="X", tells="Shortens longer gradients; 0 shortens none."),
    ] = None
    label_smoothing: Annotated[
        float | None,
        training_option(
            "label_smoothing", _LEARNING, metavar="P", tells="Share of each target that goes to all others alike."
        ),
    ] = None
    dropout: Annotated[
        float | None,
        training_option(
            "dropout", _LEARNING, metavar="P", default="as the model has it", tells="Share of zeroed units."
        ),
    ] = None
    seed: Annotated[
        int | None, training_option("seed", _LEARNING, metavar="N", tells="The same seed gives the same model.")
    ] = None
    eval_every: Annotated[
        float | None,
        training_option(
            "eval_every", _MEASURING, metavar="N", tells="Steps, or below 1 the part of the run, between evaluations."
        ),
    ] = None
    save_every: Annotated[
        float | None, training_option("save_every", _MEASURING, metavar="N", tells="The same between checkpoints.")
    ] = None
    keep: Annotated[
        int | None,
        training_option("keep", _MEASURING, metavar="K", tells="Newest checkpoints to keep, beside the best one."),
    ] = None
    sample_prompt: Annotated[
        str | None,
        training_option(
            "sample_prompt", _MEASURING, metavar="TEXT", tells="Write on from TEXT at each evaluation, and show it."
        ),
    ] = None
    report_to: Annotated[
        list[str] | None,
        training_option(
            "report_to", _MEASURING, metavar="|".join(_TRACKERS), tells="Send the figures there too. Repeatable."
        ),
    ] = None
    max_length: Annotated[
        int | None,
        training_option(
            "max_length", _COST, metavar="N", default="the model's context", tells="Most tokens of a sequence."
        ),
    ] = None
    mixed_precision: Annotated[
        MixedPrecision | None,
        training_option("mixed_precision", _COST, tells="Compute in 16 bits: a GPU is faster and needs less memory."),
    ] = None
    gradient_checkpointing: Annotated[
        bool | None,
        training_option(
            "gradient_checkpointing", _COST, off=True, tells="Need less memory, and a quarter more time or so."
        ),
    ] = None
    compile: Annotated[
        bool | None,
        training_option("compile", _COST, off=True, tells="Compile the model: long runs on a GPU are faster."),
    ] = None


def settled(*groups: Any) -> dict[str, Any]:
    """Return the fields of TrainingOptions that flags settle; raises ConfigError."""
    values = {field.name: getattr(group, field.name) for group in groups for field in fields(group)}
    given = {name: value for name, value in values.items() if value is not None}
    if "max_time" in given:
        given["max_time"] = parse_duration("--max-time", given["max_time"])
    if "batch_size" in given:
        given["batch_size"] = _batch_size(given["batch_size"])
    if "report_to" in given:
        given["report_to"] = _trackers(given["report_to"])
    return given


def _batch_size(text: str) -> int | str:
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"--batch-size wants a number or auto, not {text!r}") from None


def _trackers(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in _TRACKERS:
            raise ConfigError(f"--report-to wants {' or '.join(_TRACKERS)}, not {name!r}")
    return tuple(dict.fromkeys(names))


def split_names(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names that were given one by one, or parted by commas."""
    if values is None:
        return None
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
