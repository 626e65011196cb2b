"""Have lm-evaluation-harness run its tasks, and read its figures; it must be installed to import this."""

import io
import logging
import math
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.resampling import Interval
from gptcli.evaluation.scores import Better, Figure
from gptcli.tasks.evaluate_events import ModelReport
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.harness import HarnessReport
from gptcli.tasks.harness_config import HarnessConfig
from gptcli.tasks.harness_model import HarnessModel

Report = Callable[[Stage | Notice], None]

TWO_SIDED = 1.96
"""Standard errors to each side of a figure that hold it in 95 of 100 samples, where it is normally distributed."""
_NO_FILTER = "none"
_LIBRARIES = ("huggingface_hub", "datasets")
"""Fetch the data, and log each try to reach a network; the error at the end says all that there is to do."""


def run_tasks(config: HarnessConfig, model: HarnessModel, *, report: Report) -> HarnessReport:
    """Return the figures of all tasks; raises ConfigError, InputError, and what the model raises."""
    with _heard(report), _one_process():
        report(Stage(text="loading tasks"))
        tasks = _loaded(_manager(config), config.tasks)
        found = evaluate(
            lm=model,
            task_dict=tasks,
            limit=config.limit,
            bootstrap_iters=config.bootstrap.resamples,
            log_samples=False,
        )
    return HarnessReport(
        model=ModelReport(
            name=model.name,
            directory=model.directory,
            dtype=model.dtype,
            figures=tuple(_figures(found)),
            details={},
        ),
        convention={"harness": version("lm_eval"), "tasks": [_told(found, name) for name in found["results"]]},
        rows=sum(found["n-samples"][name]["effective"] for name in found["n-samples"]),
    )


def _manager(config: HarnessConfig) -> TaskManager:
    """Return what knows the tasks: the included ones alone where they do, for the harness's own take 10 s to read."""
    if config.include is not None:
        included = TaskManager(include_path=config.include, include_defaults=False)
        if set(config.tasks) <= set(included.all_subtasks):
            return included
    return TaskManager(include_path=config.include)


def _loaded(manager: TaskManager, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the tasks of these names with their data, and the groups that they stand in.

    Raises ConfigError for a name that is none, and InputError where the data cannot be had.
    """
    # As the harness's own command does before it reads data, which some tasks shuffle.
    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)
    tasks: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    for name in names:
        loaded = _loaded_one(manager, name)
        tasks |= loaded["tasks"]
        groups |= loaded.get("groups", {})
    for name, task in tasks.items():
        _require_text_alone(name, task)
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=DEFAULT_OTHER_SEED)
    return {"tasks": tasks, "groups": groups}


def _require_text_alone(name: str, task: Any) -> None:
    """Raise ConfigError for a task that does more than have a model read and write."""
    if getattr(task, "UNSAFE_CODE", False):
        raise ConfigError(f"--harness {name} runs programs that the model writes: use lm_eval itself for it")
    if getattr(task, "MULTIMODAL", False):
        raise ConfigError(f"--harness {name} shows pictures or plays sounds, and GPT-2 reads text")


def _loaded_one(manager: TaskManager, name: str) -> Mapping[str, Any]:
    """Return what the harness has under a name: a task, a group or the tasks of a tag."""
    if name not in manager.all_tasks and not Path(name).is_file():
        near = get_close_matches(name, manager.all_tasks, n=3)
        meant = f": did you mean {' or '.join(near)}?" if near else "; lm-eval ls tasks lists them"
        raise ConfigError(f"--harness: lm-evaluation-harness has no task {name!r}{meant}")
    try:
        loaded: Mapping[str, Any] = manager.load([name])
    except Exception as error:  # of any kind: tasks are files and code of many authors, and data comes over a network
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"--harness {name} cannot be loaded: {reason}; without a network, give a task file whose data set is a "
            "local file: --harness-include DIR"
        ) from error
    return loaded


def _figures(found: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield each figure of each task, in the harness's order."""
    for task, values in found["results"].items():
        rows = int(values.get("sample_len", 0))
        for key, value in values.items():
            metric, comma, kept = key.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            named = metric if kept == _NO_FILTER else f"{metric}:{kept}"
            yield Figure(
                name=f"{task}/{named}",
                title=f"{task} {named}",
                interval=_interval(float(value), values.get(f"{metric}_stderr,{kept}"), rows),
                better=_better(found, task, metric),
            )


def _interval(value: float, error: object, rows: int) -> Interval:
    """Return a figure with its standard error to both sides; some have none ("N/A")."""
    spread = TWO_SIDED * error if isinstance(error, int | float) else math.nan
    return Interval(value=value, low=value - spread, high=value + spread, rows=rows, method="normal")


def _better(found: Mapping[str, Any], task: str, metric: str) -> Better | None:
    is_higher = found["higher_is_better"].get(task, {}).get(metric)
    return None if is_higher is None else "higher" if is_higher else "lower"


def _told(found: Mapping[str, Any], task: str) -> str:
    """Return what must be the same for the figures of a task to compare; a group has no version."""
    numbers = {"version": found["versions"].get(task), "shots": found["n-shot"].get(task)}
    told = ", ".join(f"{name} {value}" for name, value in numbers.items() if value is not None)
    return f"{task} ({told})" if told else task


@contextmanager
def _heard(report: Report) -> Iterator[None]:
    """Have what the harness logs and prints told as notices: it may not reach standard output, nor draw bars."""
    with ExitStack() as stack:
        stack.enter_context(_logged("lm_eval", _Handler(report, "lm-evaluation-harness")))
        for library in _LIBRARIES:
            stack.enter_context(_logged(library, _Handler(report, library, detail=True)))
        stack.enter_context(redirect_stdout(_Lines(report, sys.stdout)))
        stack.enter_context(redirect_stderr(_Lines(report, sys.stderr)))
        yield


@contextmanager
def _logged(name: str, handler: logging.Handler) -> Iterator[None]:
    """Have what a library logs told by this handler alone: its own write to standard error."""
    logger = logging.getLogger(name)
    before, propagates = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagates


@contextmanager
def _one_process() -> Iterator[None]:
    """Keep the harness from forking for its bootstrap: this process has threads, and a model in its memory."""
    before = os.environ.get("DISABLE_MULTIPROC")
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["DISABLE_MULTIPROC"]
        else:
            os.environ["DISABLE_MULTIPROC"] = before


class _Handler(logging.Handler):
    """Warnings of a library's log, each told once."""

    def __init__(self, report: Report, library: str, *, detail: bool = False) -> None:
        super().__init__(logging.WARNING)
        self._report = report
        self._library = library
        self._detail = detail
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one that is new."""
        text = record.getMessage().strip()
        if text not in self._told:
            self._told.add(text)
            self._report(Notice(text=f"{self._library}: {text}", detail=self._detail))


class _Lines(io.TextIOBase):
    """Lines that this thread prints, and of a bar that is drawn over itself the last state; others print as before."""

    def __init__(self, report: Report, others: TextIO) -> None:
        self._report = report
        self._others = others
        self._thread = threading.get_ident()
        self._begun = ""

    def write(self, text: str, /) -> int:
        """Take a piece of a line, or several lines."""
        if threading.get_ident() != self._thread:
            return self._others.write(text)
        *lines, self._begun = (self._begun + text).split("\n")
        self._begun = self._begun.rpartition("\r")[2]
        for line in lines:
            told = line.rpartition("\r")[2].strip()
            if told:
                self._report(Notice(text=f"lm-evaluation-harness: {told}", detail=True))
        return len(text)
