"""Settle a run that trains: the command line over --config, over the record of the run that goes on.

Flags become tables of the shape that training.toml has, so that one rule lays all of them over each other.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from gptcli.cli.training_groups import BaseModelFlags, DataFlags, LoraFlags, RunFlags, TuningFlags
from gptcli.cli.training_options import TrainingFlags, settled, split_names
from gptcli.cli.training_pretrain import CorpusFlags, PretrainingFlags, ShapeFlags
from gptcli.data.compression import COMPRESSIONS
from gptcli.errors import ConfigError, UsageError
from gptcli.tasks.training_config import FinetuneConfig, PretrainConfig, RunOptions
from gptcli.tasks.training_record import (
    FINETUNE,
    PRETRAIN,
    data_of,
    given_of,
    layered,
    read_tables,
    shape_of,
)
from gptcli.training.config_file import FILE_NAME
from gptcli.training.typed_tables import Layout, Tables

_LORA_NAMES = {"alpha": "--lora-alpha", "dropout": "--lora-dropout", "target": "--lora-target", "merge": "--merge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneFlags:
    """The options of a finetune command, and the names of those that stand on the command line."""

    data: DataFlags
    model: BaseModelFlags
    training: TrainingFlags
    tuning: TuningFlags
    lora: LoraFlags
    run: RunFlags
    given: frozenset[str]

    def tables(self) -> Tables:
        """Return what they settle; raises ConfigError."""
        lora = {name.removeprefix("lora_"): value for name, value in _given(self.lora).items()}
        if "target" in lora:
            lora["target"] = split_names(lora["target"])
        data = _given(self.data, without=("paths", "dry_run"))
        if "prompt_columns" in data:
            data["prompt_columns"] = tuple(data["prompt_columns"])
        training = settled(self.training, self.tuning)
        return {"data": data, "model": _typed(self.model, self.given), "training": training, "lora": lora}


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainFlags:
    """The options of a pretrain command, and the names of those that stand on the command line."""

    data: CorpusFlags
    model: ShapeFlags
    training: PretrainingFlags
    run: RunFlags
    given: frozenset[str]

    def tables(self) -> Tables:
        """Return what they settle; raises ConfigError."""
        model = _given(self.model, without=("device",)) | _typed(self.model, self.given & {"device"})
        return {"data": _given(self.data, without=("paths",)), "model": model, "training": settled(self.training)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Which process of a run this is, and who is asked whether to stop."""

    rank: int
    stop: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run's options, data and model are."""

    output: str
    chosen: bool
    """Whether the output's name was chosen here."""
    tables: Tables


def settle_finetune(flags: FinetuneFlags, process: Process, stdin: BinaryIO) -> tuple[FinetuneConfig, Place]:
    """Return the run that a command line asks for; raises ConfigError, and UsageError where there is no data."""
    _refuse(_of_finetune(flags))
    place = _place(flags.data.paths, flags.tables(), flags.run, FINETUNE, "finetune")
    lora = place.tables["lora"]
    if lora and "rank" not in lora:
        raise ConfigError(f"{' and '.join(_LORA_NAMES[name] for name in lora)} cannot apply without --lora R")
    config = FinetuneConfig(
        data=data_of(place.tables),
        stdin=stdin,
        run=_run_options(flags.run, place, process),
        model=place.tables["model"].get("model", flags.model.model),
        dry_run=flags.data.dry_run,
    )
    return config, place


def settle_pretrain(flags: PretrainFlags, process: Process) -> tuple[PretrainConfig, Place]:
    """Return the run that a command line asks for; raises ConfigError, and UsageError where there is no text."""
    place = _place(flags.data.paths, flags.tables(), flags.run, PRETRAIN, "pretrain")
    own = {"paths", "column", "validation_split", "tokenizer", "vocab_size"}
    options = {**place.tables.get("data", {}), **place.tables.get("model", {})}
    config = PretrainConfig(
        run=_run_options(flags.run, place, process),
        shape=shape_of(place.tables),
        **{name: value for name, value in options.items() if name in own},
    )
    return config, place


def default_output(path: str) -> str:
    """Return the name of the model of a data set: reviews.csv.gz gives reviews-model."""
    if path == "-":
        return "stdin-model"
    name = os.path.basename(os.path.abspath(path))
    stem, suffix = os.path.splitext(name)
    if os.path.isdir(path):
        stem = name
    elif suffix.lower() in COMPRESSIONS:
        stem = os.path.splitext(stem)[0]
    return f"{stem.lstrip('.') or 'text'}-model"


def _place(paths: list[str] | None, flags: Tables, run: RunFlags, layout: Layout, command: str) -> Place:
    """Return where all is, and the tables of all layers."""
    paths, output = list(paths or ()), run.output
    if run.resume and output is None:
        runs = [path for path in paths if os.path.isdir(path) and (paths == [path] or Path(path, FILE_NAME).is_file())]
        if len(runs) == 1:
            output, paths = runs[0], [path for path in paths if path != runs[0]]
        elif len(paths) == 1 and paths[0] != "-" and not os.path.exists(paths[0]):
            raise UsageError(f"there is no {paths[0]}: --resume wants the directory of a run, or the data that it read")
    config: Tables = {} if run.config is None else read_tables(Path(run.config), layout)
    if paths:
        flags = layered(flags, {"data": {"paths": tuple(paths)}})
    sources = layered(config, flags).get("data", {}).get("paths", ())
    if output is None:
        if not sources:
            piped = ", or send it to standard input and give -" if command == "finetune" else ""
            raise UsageError(f"no data: try gptcli {command} FILE{piped}")
        output, chosen = default_output(sources[0]), True
    else:
        chosen = False
    record = Path(output, FILE_NAME)
    before: Tables = read_tables(record, layout) if run.resume and record.is_file() else {}
    if not sources and not before:
        raise UsageError(
            f"there is no {record}: give the data too, gptcli {command} FILE -o {output} --resume"
            if run.resume
            else f"no data: try gptcli {command} FILE -o {output}"
        )
    return Place(output=output, chosen=chosen, tables=layered(before, config, flags))


def _run_options(run: RunFlags, place: Place, process: Process) -> RunOptions:
    return RunOptions(
        output=place.output,
        device=place.tables.get("model", {}).get("device", BaseModelFlags().device),
        given=given_of(place.tables),
        overwrite=run.overwrite,
        resume=run.resume,
        rank=process.rank,
        stop=process.stop,
    )


def _refuse(complaints: Iterator[str]) -> None:
    for complaint in complaints:
        raise ConfigError(complaint)


def _of_finetune(flags: FinetuneFlags) -> Iterator[str]:
    if {"validation", "validation_split"} <= flags.given:
        yield "--validation and --validation-split contradict each other: give one of them"


def _given(flags: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of a group that are not None."""
    names = [field.name for field in fields(flags) if field.name not in without]
    return {name: getattr(flags, name) for name in names if getattr(flags, name) is not None}


def _typed(flags: Any, given: frozenset[str]) -> dict[str, Any]:
    """Return the options of a group that stand on the command line: an environment or a default yields to files."""
    return {field.name: getattr(flags, field.name) for field in fields(flags) if field.name in given}
