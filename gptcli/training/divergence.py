"""What to say when a step's loss or gradient is not finite: which rows are at fault, and what can be gone on from."""

from typing import NoReturn

import torch

from gptcli.errors import TrainingError
from gptcli.training.batches import Example, make_batch
from gptcli.training.run import Run

MOST_NAMED = 5
"""Rows that an error names."""


def refuse_step(run: Run, examples: list[Example], *, step: int, what: str) -> NoReturn:
    """Raise TrainingError that names the rows whose loss is not finite and the checkpoint to go on from.

    All processes must call it.
    """
    named = _not_finite(run, examples)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    where = f" (rows {', '.join(named[:MOST_NAMED])}{more})" if named else ""
    # Where no row's loss is finite, the rows are not to blame, and a checkpoint of these weights is no good one.
    at_fault = len(named) == len(examples)
    kept = run.kept(before=step - 1 if at_fault else None)
    raise TrainingError(f"step {step}: the {what} is not finite{where}; {kept}; lower --lr, or look at these rows")


def _not_finite(run: Run, examples: list[Example]) -> list[str]:
    """Return the places of a step's rows whose loss alone is not finite; all processes must call it."""
    processes = run.processes
    mine, found = range(processes.rank, len(examples), processes.world), []
    for turn in range(-(-len(examples) // processes.world)):
        # Where FSDP parts a model, all processes must call it equally often.
        number = mine[turn] if turn < len(mine) else 0
        batch = make_batch([examples[number]], num_labels=run.num_labels).to(processes.device)
        with torch.no_grad():
            if not bool(torch.isfinite(run.wrapped(batch))):
                found.append(number)
    return [examples[number].origin for number in sorted(set(processes.gathered(found)))]
