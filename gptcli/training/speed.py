"""How fast a run would be: a few of its micro-batches, learned and forgotten."""

import time

import torch

from gptcli.training.batches import make_batch
from gptcli.training.objectives import Objective
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes
from gptcli.training.stream import Position, Source, Stream

ENOUGH_SECONDS = 5.0
MOST_BATCHES = 4


def seconds_per_token(
    objective: Objective, source: Source, options: TrainingOptions, processes: Processes, *, num_labels: int | None
) -> float:
    """Return the time of a token's forward and backward pass, from a few micro-batches but the first."""
    model = processes.accelerator.prepare(objective)
    model.train(True)
    stream = Stream(source, sequences_per_step=int(options.batch_size), seed=options.seed)
    seconds, tokens = 0.0, 0
    for number, step in enumerate(stream.steps(Position())):
        batch = make_batch([example for sequence in step.sequences for example in sequence], num_labels=num_labels)
        batch = batch.to(processes.device)
        began = time.perf_counter()
        loss = model(batch)
        processes.accelerator.backward(loss)
        if processes.device.type == "cuda":
            torch.cuda.synchronize()
        took = time.perf_counter() - began
        if number == 0:
            first = took / batch.tokens
            continue  # memory is found, kernels are chosen
        seconds, tokens = seconds + took, tokens + batch.tokens
        # By one clock: a process that goes on alone would wait for the gradients of the others.
        if processes.told_by_main(seconds > ENOUGH_SECONDS) or number >= MOST_BATCHES:
            break
    model.zero_grad(set_to_none=True)
    return seconds / tokens if tokens else first
