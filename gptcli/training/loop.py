"""The training loop: the one that finetune and pretrain share, for one process or many.

All processes walk the same stream of steps. Of each step they take every world-th sequence, in micro-batches that fit
into memory; the step's loss is the sum over its predictions divided by their number, which all of them know. Random
numbers follow from the seed, the step, the process and the micro-batch, so that none are saved. After a step the
processes agree, in one message, on its loss, the time, and whether to stop.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
import torch

from gptcli.errors import TrainingError
from gptcli.training.batches import Example, Sequence, make_batch
from gptcli.training.divergence import refuse_step
from gptcli.training.events import CheckpointSaved, EvalReport, Interrupted, SampleReport, StepReport, TrainingEvent
from gptcli.training.memory import peak_memory
from gptcli.training.options import TrainingOptions
from gptcli.training.progress import Limits, is_due
from gptcli.training.run import Run
from gptcli.training.schedule import lr_factor
from gptcli.training.stream import Step, Stream
from gptcli.training.validation import Evaluation

SPEED_STEPS = 20
"""Steps whose mean speed is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the loop ended."""

    reason: str
    """What ended it; of an interrupted run, nothing to be finished."""
    interrupted: bool
    last: Evaluation | None
    """The evaluation at the last step, where there was one."""


class Loop:
    """One run on its way."""

    def __init__(
        self,
        run: Run,
        stream: Stream,
        options: TrainingOptions,
        *,
        evaluate: Callable[[], Evaluation] | None,
        judges_base: bool,
        sample: Callable[[], SampleReport | None],
        stop: Callable[[], bool],
    ) -> None:
        self._run = run
        self._stream = stream
        self._options = options
        self._limits = Limits(options)
        self._evaluate = evaluate
        self._judges_base = judges_base
        self._sample = sample
        self._stop = stop
        self._durations: deque[tuple[float, int]] = deque(maxlen=SPEED_STEPS)
        self._began = time.monotonic()
        self._seconds_before = run.state.seconds
        self._progress_before = self._limits.progress(run.state)

    def events(self) -> Generator[TrainingEvent, None, Outcome]:
        """Train to the end, or until a stop is asked for; raises TrainingError where it cannot go on."""
        evaluated: Evaluation | None = None
        saved_step = self._run.state.step
        progress = self._progress_before
        if progress >= 1:
            return Outcome(reason=self._limits.reason(self._run.state), interrupted=False, last=None)
        if self._evaluate is not None and self._judges_base and self._run.state.step == 0:
            yield from self._judged_base(self._evaluate())
        for step in self._stream.steps(self._run.state.position):
            report, stop = self._take(step, progress)
            yield report
            before, progress = progress, report.progress
            over = progress >= 1
            evaluated = None
            if is_due(self._options.eval_every, before, progress, report.step):
                if self._evaluate is not None:
                    evaluated = yield from self._judged(self._evaluate())
                if (sample := self._sample()) is not None:
                    yield sample
            reason = self._why_over(over=over)
            best = evaluated is not None and self._run.state.best_step == report.step
            due = is_due(self._options.save_every, before, progress, report.step)
            if not reason and (stop or best or due):
                yield self._save()
                saved_step = report.step
            if reason:
                if evaluated is not None and not best and self._run.state.best_step is not None:
                    evaluated = None
                return Outcome(reason=reason, interrupted=False, last=evaluated)
            if stop:
                yield Interrupted(step=saved_step, directory=str(self._run.directory))
                return Outcome(reason="", interrupted=True, last=None)
        raise TrainingError("the data ended before the run did")  # a stream has no end

    def _why_over(self, *, over: bool) -> str:
        """Return what ends the run now, or nothing."""
        patience, state = self._options.early_stopping, self._run.state
        if over:
            return self._limits.reason(state)
        if patience is not None and state.evaluations_since_best >= patience:
            return f"--early-stopping {patience}: no better evaluation"
        return ""

    def _take(self, step: Step, progress: float) -> tuple[StepReport, bool]:
        """Learn from one step's sequences; return the report and whether a stop was asked for."""
        run, options, began = self._run, self._options, time.monotonic()
        number = run.state.step + 1
        tokens = sum(len(example.input_ids) for sequence in step.sequences for example in sequence)
        loss_sum, count = self._gradients(step, number)
        seconds = self._seconds_before + time.monotonic() - self._began
        loss_sum, stops, seconds = self._agreed(loss_sum, seconds)
        state = replace(
            run.state,
            step=number,
            position=step.after,
            epochs=step.epochs_done,
            tokens=run.state.tokens + tokens,
            seconds=seconds,
        )
        after = self._limits.progress(state)
        if not math.isfinite(loss_sum):
            refuse_step(run, _flat(step.sequences), step=number, what="loss")
        lr = options.lr * lr_factor(
            options.schedule, options.warmup, step=number, before=progress, after=max(after, progress)
        )
        norm = run.clip(options.max_grad_norm)
        if not math.isfinite(norm) and options.mixed_precision != "fp16":
            refuse_step(run, _flat(step.sequences), step=number, what="gradient")
        run.learn(lr)
        run.state = state
        self._durations.append((time.monotonic() - began, tokens))
        return self._report(step, loss_sum / max(1, count), lr, norm, tokens, after), stops

    def _gradients(self, step: Step, number: int) -> tuple[float, int]:
        """Add up the gradients of this process's share; return its part of the loss, and the step's predictions."""
        run, sequences = self._run, step.sequences
        processes, model = run.processes, run.wrapped
        count = sum(example.count for sequence in sequences for example in sequence)
        # Under DDP and FSDP gradients are averaged: times the processes, they are summed.
        scale = processes.world / max(1, count)
        share = -(-len(sequences) // processes.world)
        mine = sequences[processes.rank :: processes.world]
        total = torch.zeros((), device=processes.device)
        begins = range(0, share, run.micro_batch)
        for micro, begin in enumerate(begins):
            part = mine[begin : begin + run.micro_batch]
            # A process that has nothing left must still take part: with anything, for nothing.
            batch = make_batch(_flat(part or sequences[:1]), num_labels=run.num_labels).to(processes.device)
            torch.manual_seed(_seed(self._options.seed, number, processes.rank, micro))
            with processes.unsynced(model, last=begin == begins[-1]):
                loss = model(batch) * float(bool(part))
                processes.accelerator.backward(loss * scale)
            total += loss.detach()
        return float(total), count

    def _agreed(self, loss_sum: float, seconds: float) -> tuple[float, bool, float]:
        """Return what all processes lost together, whether any is to stop, and the main one's clock."""
        processes = self._run.processes
        wants_stop = float(self._stop())
        total = processes.total([loss_sum, wants_stop, seconds if processes.is_main else 0.0])
        return float(total[0]), bool(total[1]), float(total[2])

    def _report(self, step: Step, loss: float, lr: float, norm: float, tokens: int, progress: float) -> StepReport:
        state = self._run.state
        took, learned = map(sum, zip(*self._durations, strict=True))
        gone, done = state.seconds - self._seconds_before, progress - self._progress_before
        return StepReport(
            step=state.step,
            epoch=step.epochs_done,
            progress=min(1.0, progress),
            loss=loss,
            lr=lr,
            grad_norm=norm,
            tokens=tokens,
            total_tokens=state.tokens,
            seconds=state.seconds,
            tokens_per_second=learned / max(took, 1e-9),
            memory_bytes=peak_memory(self._run.processes.device),
            seconds_left=gone * max(0.0, 1 - progress) / done if gone > 0 and done > 0 else None,
        )

    def _judged_base(self, found: Evaluation) -> Generator[TrainingEvent, None, None]:
        """Note how good the model was before the first step, and report it."""
        self._run.state = replace(self._run.state, base_value=found.cost)
        yield EvalReport(step=0, metrics=found.metrics, best=False, rows=found.rows)

    def _judged(self, found: Evaluation) -> Generator[TrainingEvent, None, Evaluation]:
        """Note whether this is the best evaluation, and report it."""
        run = self._run
        if not math.isfinite(found.cost):
            raise TrainingError(
                f"step {run.state.step}: the loss of the held-out rows is not finite; {run.kept()}; lower --lr"
            )
        better = run.state.best_value is None or found.cost < run.state.best_value
        run.state = replace(
            run.state,
            best_step=run.state.step if better else run.state.best_step,
            best_value=found.cost if better else run.state.best_value,
            evaluations_since_best=0 if better else run.state.evaluations_since_best + 1,
        )
        yield EvalReport(step=run.state.step, metrics=found.metrics, best=better, rows=found.rows)
        return found

    def _save(self) -> CheckpointSaved:
        path = self._run.save(keep=self._options.keep)
        return CheckpointSaved(step=self._run.state.step, path=str(path))


def _flat(sequences: tuple[Sequence, ...]) -> list[Example]:
    return [example for sequence in sequences for example in sequence]


def _seed(*parts: int) -> int:
    """Return a seed of its own for each step, process and micro-batch."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])
