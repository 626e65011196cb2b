"""Tune and pretrain tiny models in tests, through the tasks, in this process."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.tasks import leaving
from gptcli.tasks.events import Notice
from gptcli.tasks.finetune import finetune
from gptcli.tasks.training_config import FinetuneConfig, RunOptions
from gptcli.tasks.training_events import TuningEvent
from gptcli.training.events import EvalReport, Finished, StepReport

E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a run told, and where it left the model."""

    directory: Path
    events: tuple[TuningEvent, ...]

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def losses(self) -> list[float]:
        """Return the loss of each step."""
        return [report.loss for report in self.of(StepReport)]

    @property
    def evaluations(self) -> list[EvalReport]:
        """Return the evaluations but that of the base model."""
        return [report for report in self.of(EvalReport) if report.step]

    @property
    def base(self) -> EvalReport:
        """Return the evaluation before the first step."""
        return next(report for report in self.of(EvalReport) if not report.step)

    @property
    def finished(self) -> Finished:
        """Return how it ended."""
        return self.of(Finished)[0]

    @property
    def notices(self) -> list[str]:
        """Return what a person was told."""
        return [notice.text for notice in self.of(Notice)]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def finetune_config(data: Path, output: Path, model: Path, **options: Any) -> FinetuneConfig:
    """Return the configuration of a run, on a CPU unless told; options are of the data, the run, and the training."""
    parts: dict[str, dict[str, Any]] = {}
    for kind in (WantedRoles, DataOptions, RunOptions):
        parts[kind.__name__] = {name: options.pop(name) for name in kind.__dataclass_fields__ if name in options}
    dry_run = options.pop("dry_run", False)
    given = {"warmup": 0.0, "dropout": 0.0, **options}
    return FinetuneConfig(
        data=DataOptions(paths=(str(data),), wanted=WantedRoles(**parts["WantedRoles"]), **parts["DataOptions"]),
        stdin=io.BytesIO(),
        model=str(model),
        run=RunOptions(output=str(output), given=given, **{"device": "cpu", **parts["RunOptions"]}),
        dry_run=dry_run,
    )


def tune(data: Path, output: Path, model: Path, *, draws: bool = False, **options: Any) -> Tuned:
    """Run finetune to its end; pictures take longer than all else, and are drawn where a test looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        if not draws:
            patch.setattr(leaving, "available", lambda: False)
        return Tuned(directory=output, events=tuple(finetune(finetune_config(data, output, model, **options))))


def held(data: Path, name: str = "held-out.jsonl") -> dict[str, str]:
    """Return the option that validates on a copy of the data."""
    (data.parent / name).write_bytes(data.read_bytes())
    return {"validation": str(data.parent / name)}


def labelled(directory: Path, kind: str) -> tuple[Path, dict[str, Any]]:
    """Write rows with labels of a kind; return them and the options that go with them."""
    label = {
        "single": lambda n: ("no", "maybe", "yes")[n % 3],
        "multi": lambda n: [("no", "maybe", "yes")[n % 3], "all"][: 1 + n % 2],
        "regression": lambda n: n % 3 - 0.5,
    }[kind]
    rows = [{"text": f"{('no', 'maybe', 'yes')[n % 3]} {n}", "label": label(n)} for n in range(36)]
    return write_rows(directory / "data.jsonl", rows), {"regression": True} if kind == "regression" else {}
