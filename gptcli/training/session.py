"""One run from its first step, or from its newest checkpoint, to its best weights: what is around the loop."""

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gptcli.errors import OutputError, TrainingError
from gptcli.training.checkpoints import (
    Checkpoint,
    RunState,
    checkpoint_at,
    checkpoints_of,
    newest_checkpoint,
    require_identity,
)
from gptcli.training.events import EvalReport, SampleReport, StepReport, TrainingEvent, TrainingStarted
from gptcli.training.files import TRACKED
from gptcli.training.loop import Loop, Outcome
from gptcli.training.metrics_log import FILE_NAME, MetricsLog
from gptcli.training.objectives import Objective
from gptcli.training.optimizer import make_optimizer
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes
from gptcli.training.run import GO_ON, Run
from gptcli.training.saving import ModelFiles
from gptcli.training.stream import Source, Stream
from gptcli.training.validation import Evaluation

_FREE = (
    "batch_size",
    "gradient_accumulation",
    "keep",
    "save_every",
    "sample_prompt",
    "report_to",
    "compile",
    "gradient_checkpointing",
)
"""Options that change no weight: a run may go on with others. A step keeps its sequences all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run trains, on what, and how it is judged."""

    objective: Objective
    files: ModelFiles
    source: Source
    rows_per_epoch: int | None
    """Sequences of an epoch where each row is one; None where nobody knows before they are made."""
    micro_batch: int
    """Sequences that a process computes at once."""
    num_labels: int | None = None
    facts: Mapping[str, object]
    """The data and the model it begins with, by name: a run that goes on must have the same."""
    note: Callable[[], None]
    """Notes the options in the run's directory; asked of the main process, once no checkpoint there speaks against."""
    evaluate: Callable[[Run], Evaluation] | None
    judges_base: bool
    """Whether the model is judged before the first step too: it can do already what it is to learn."""
    sample: Callable[[Run], SampleReport | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has come to its end, with its best weights in the model."""

    run: Run
    reason: str
    steps: int
    best_step: int | None
    evaluation: Evaluation | None
    """Of the best weights."""

    @property
    def is_worse_than_base(self) -> bool:
        """Tell whether the model was better before the first step."""
        base, best = self.run.state.base_value, self.run.state.best_value
        return base is not None and best is not None and best > base


def identity_of(options: TrainingOptions, facts: Mapping[str, object]) -> dict[str, object]:
    """Return all that the weights depend on, by the names of the options, in types that JSON keeps."""
    values = {name: getattr(options, name) for name in TrainingOptions.__slots__ if name not in _FREE}
    lora = values.pop("lora")
    if lora is not None:
        values |= {f"lora_{name}": getattr(lora, name) for name in lora.__slots__ if name != "merge"}
    named = {f"--{name.replace('_', '-')}": value for name, value in values.items()}
    return {**facts, **{name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}}


def train(
    plan: Plan, options: TrainingOptions, processes: Processes, directory: Path, *, stop: Callable[[], bool]
) -> Generator[TrainingEvent, None, Ended | None]:
    """Train, from the newest checkpoint in the directory where there is one; return None if asked to stop.

    Raises TrainingError where it cannot go on, ConfigError where the checkpoint is of another run.
    """
    identity = identity_of(options, plan.facts)
    found = processes.by_main(lambda: _begun(plan, directory, identity))
    sequences = plan.micro_batch * options.gradient_accumulation * processes.world
    state = found.state if found else RunState(identity=identity, sequences_per_step=sequences)
    run = Run(
        plan.objective,
        make_optimizer(plan.objective, options.optimizer, lr=options.lr, weight_decay=options.weight_decay),
        processes,
        plan.files,
        directory=directory,
        state=state,
        micro_batch=plan.micro_batch,
        num_labels=plan.num_labels,
    )
    if found:
        run.restore(found)
    yield _started(plan, options, run, asked=sequences, damaged=found.damaged if found else ())
    evaluate, sample = plan.evaluate, plan.sample
    loop = Loop(
        run,
        Stream(plan.source, sequences_per_step=state.sequences_per_step, seed=options.seed),
        options,
        evaluate=None if evaluate is None else lambda: evaluate(run),
        judges_base=plan.judges_base,
        sample=lambda: sample(run),
        stop=stop,
    )
    outcome = yield from _logged(loop, run, options, resume_step=found.state.step if found else None)
    return None if outcome.interrupted else _best(plan, run, outcome.reason, outcome.last)


def _begun(plan: Plan, directory: Path, identity: Mapping[str, object]) -> Checkpoint | None:
    """Return the checkpoint to go on from, of the same run; only then note the run's options, so that none are lost."""
    found = newest_checkpoint(directory) if checkpoints_of(directory) else None
    if found is not None:
        require_identity(found, identity)
    plan.note()
    return found


def _started(
    plan: Plan, options: TrainingOptions, run: Run, *, asked: int, damaged: tuple[str, ...]
) -> TrainingStarted:
    parameters = list(plan.objective.parameters())
    size = run.state.sequences_per_step
    limits = [] if options.max_steps is None else [options.max_steps]
    if plan.rows_per_epoch is not None and options.epochs is not None:
        limits.append(math.ceil(options.epochs * -(-plan.rows_per_epoch // size)))
    return TrainingStarted(
        step=run.state.step,
        damaged=damaged,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        batch_size=size,
        asked_batch_size=asked,
        total_steps=min(limits, default=None),
    )


def _logged(
    loop: Loop, run: Run, options: TrainingOptions, *, resume_step: int | None
) -> Generator[TrainingEvent, None, Outcome]:
    """Pass the loop's events on, and write each report to metrics.jsonl and the trackers."""
    accelerator = run.processes.accelerator
    log: MetricsLog | None = None
    events = loop.events()
    try:
        _start_trackers(run, options)
        if run.processes.is_main:
            log = MetricsLog(run.directory / FILE_NAME, resume_step)
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            if log is not None and isinstance(event, StepReport | EvalReport | SampleReport):
                log.write(event)
            accelerator.log(_tracked(event), step=getattr(event, "step", None))
            yield event
    except OutputError as error:
        raise TrainingError(f"{error}; {run.kept()}; {GO_ON}") from error
    finally:
        events.close()
        if log is not None:
            log.close()
        for tracker in accelerator.trackers:  # end_training would also part the processes
            tracker.finish()


def _start_trackers(run: Run, options: TrainingOptions) -> None:
    """Begin to report to what --report-to names; raises OutputError."""
    if not options.report_to:
        return
    place = run.directory / TRACKED
    if run.processes.is_main:
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{place} cannot be written: {error.strerror}") from error
    # Else wandb would leave its files where the command was typed.
    begin = {"wandb": {"dir": str(place)}}
    run.processes.accelerator.init_trackers(TRACKED, config=_flat(options), init_kwargs=begin)


def _flat(options: TrainingOptions) -> dict[str, float | int | str | bool]:
    """Return the options in the types that trackers take."""
    values = {name: getattr(options, name) for name in TrainingOptions.__slots__}
    return {name: value if isinstance(value, float | int | bool) else str(value) for name, value in values.items()}


def _tracked(event: TrainingEvent) -> dict[str, float]:
    """Return the numbers of a report, by the names that trackers show."""
    match event:
        case StepReport():
            names = ("loss", "lr", "grad_norm", "epoch", "tokens_per_second")
            return {f"train/{name}": float(getattr(event, name)) for name in names}
        case EvalReport():
            return {f"eval/{name}": value for name, value in event.metrics.items()}
    return {}


def _best(plan: Plan, run: Run, reason: str, last: Evaluation | None) -> Ended:
    """Return the run with its best weights, judged."""
    steps, best = run.state.step, run.state.best_step
    if best is not None and best != steps:
        run.load_weights(run.processes.by_main(lambda: checkpoint_at(run.directory, best)).path)
        last = None
    if last is None and plan.evaluate is not None:
        last = plan.evaluate(run)
    return Ended(run=run, reason=reason, steps=steps, best_step=best, evaluation=last)
