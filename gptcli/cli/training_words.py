"""What a training run tells, in words: a line or a few for each event."""

from collections.abc import Iterator, Sequence

from gptcli.cli.units import clock, size, width
from gptcli.data.words import counted
from gptcli.training.events import EvalReport, Finished, SampleReport, StepReport, TrainingStarted


def started(event: TrainingStarted) -> str:
    """Return what is about to happen."""
    trained = "" if event.trainable == event.parameters else f", {event.trainable:,} of them trained"
    total = "" if event.total_steps is None else f", {counted(event.total_steps, 'step')}"
    done = f"; {event.step:,} are done" if event.step else ""
    kept = "" if event.asked_batch_size == event.batch_size else f" as it began, not {event.asked_batch_size:,},"
    return (
        f"{event.parameters:,} parameters{trained}; {counted(event.batch_size, 'sequence')}{kept} a step{total}{done}"
    )


def step_parts(event: StepReport, *, total: int | None, loss: float) -> list[str]:
    """Return the figures of a step, the first things first."""
    parts = [
        f"step {event.step:,}" + (f"/{total:,}" if total else ""),
        f"{event.progress:.0%}",
        f"epoch {event.epoch:.2f}",
        f"loss {loss:.4f}",
        f"lr {event.lr:.2e}",
        f"{event.tokens_per_second:,.0f} tokens/s",
        size(event.memory_bytes),
    ]
    if event.seconds_left is not None:
        parts.append(f"{clock(event.seconds_left)} left")
    return parts


def evaluated(event: EvalReport) -> str:
    """Return the metrics of an evaluation."""
    metrics = ", ".join(f"{_spelled(name)} {value:.4g}" for name, value in event.metrics.items())
    best = ", the best so far" if event.best else ""
    return f"step {event.step:,}: {metrics} on {counted(event.rows, 'row')}{best}"


def sampled(event: SampleReport) -> Iterator[str]:
    """Yield what the model writes, line by line."""
    yield f"step {event.step:,}: it writes, {event.copied:.0%} of it word for word from the training data:"
    for line in f"{event.prompt}{event.text}".split("\n"):
        yield f"  {line}"


def finished(event: Finished, *, use: str) -> Iterator[str]:
    """Yield how it ended: the metrics under each other, where the model is, and what to type next."""
    best = event.best_step
    kept = "" if best is None or best == event.step else f"; the model is that of step {best:,}, the best"
    yield f"done after {counted(event.step, 'step')}: {event.reason}{kept}"
    widest = max((len(_spelled(name)) for name in event.metrics), default=0)
    for name, value in event.metrics.items():
        yield f"  {_spelled(name):{widest}}  {value:.4g}"
    yield f"the model is in {event.directory}"
    yield f"next: {use}"


def flowed(parts: Sequence[str], columns: int) -> list[str]:
    """Return parts in lines of so many columns, two spaces between them; a wider part is cut."""
    lines: list[str] = []
    for part in parts:
        if lines and width(lines[-1]) + 2 + width(part) <= columns:
            lines[-1] += f"  {part}"
        else:
            lines.append(cut(part, columns))
    return lines


def cut(text: str, columns: int) -> str:
    """Return the beginning of a text that fits into so many columns."""
    while width(text) > columns:
        text = text[:-1]
    return text


def _spelled(name: str) -> str:
    return name.replace("_", " ")
