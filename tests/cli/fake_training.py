"""A training task that yields what a test puts in, and the events that it may be made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path

from gptcli.cli.console import Console
from gptcli.cli.main import run
from gptcli.training.events import EvalReport, Finished, StepReport, TrainingStarted


@dataclass(kw_only=True)
class FakeTraining:
    """Stands for both commands' tasks; an event may be an exception to raise, or a function to call."""

    events: list[object] = field(default_factory=list)
    config: object = None
    closed: bool = False

    def __call__(self, config: object) -> Iterator[object]:
        """Yield the events."""
        self.config = config
        try:
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                if callable(event):
                    event()
                else:
                    yield event
        finally:
            self.closed = True


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str


def command(*arguments: str, **streams) -> Ended:
    """Run a command line; keywords replace what the console has."""
    plain = {"stdin": BytesIO(), "stdout": BytesIO(), "stderr": StringIO(), "environment": {}}
    console = Console(**(plain | streams))
    code = run(arguments, console)
    return Ended(code=code, out=console.stdout.getvalue().decode(), err=console.stderr.getvalue())


def started(**changes) -> TrainingStarted:
    """Return the start of a run of 200 steps."""
    plain = {
        "step": 0,
        "parameters": 1000,
        "trainable": 1000,
        "batch_size": 8,
        "asked_batch_size": 8,
        "total_steps": 200,
    }
    return TrainingStarted(**(plain | changes))


def step(number: int, *, of: int = 200, **changes) -> StepReport:
    """Return a step; each takes a second."""
    plain = {
        "step": number,
        "epoch": number / 100,
        "progress": number / of,
        "loss": 4.0 - 2 * number / of,
        "lr": 5e-5,
        "grad_norm": 1.0,
        "tokens": 100,
        "total_tokens": 100 * number,
        "seconds": float(number),
        "tokens_per_second": 1234.0,
        "memory_bytes": 3 << 29,
        "seconds_left": float(of - number),
    }
    return StepReport(**(plain | changes))


def evaluation(number: int = 100, **changes) -> EvalReport:
    """Return an evaluation."""
    metrics = {"loss": 2.5, "macro_f1": 0.75}
    return EvalReport(**({"step": number, "metrics": metrics, "best": True, "rows": 50} | changes))


def finished(directory: str | Path, **changes) -> Finished:
    """Return the end."""
    metrics = {"loss": 2.5, "macro_f1": 0.75}
    plain = {"step": 200, "best_step": 180, "reason": "3 epochs", "metrics": metrics}
    return Finished(**(plain | {"directory": str(directory)} | changes))
