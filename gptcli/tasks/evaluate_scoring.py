"""Have one model after the other score the same rows, and keep those that all of them scored."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.rereading import Rereadable
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.evaluate_events import EvaluateEvent, ScoringStarted
from gptcli.tasks.evaluate_rows import EvaluationRows
from gptcli.tasks.evaluate_sharing import scored_together
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.events import Event, ModelReady, Notice, RowFailed, Stage
from gptcli.tasks.locating import located_model
from gptcli.tasks.sharing import ALONE, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A model, and the rows that it scored."""

    located: Located
    ready: ModelReady
    scores: RowScores


class Scoring:
    """The same rows for each model, as each reads them."""

    def __init__(self, data: Rereadable, rows: EvaluationRows, evaluator: Evaluator, share: Share) -> None:
        self._share = share
        self._data = data
        self._rows = rows
        self._evaluator = evaluator
        self._told: set[tuple[int, str]] = set()
        """Which rows failed, and why: what is wrong with a row itself is told once, and not by each model."""

    @property
    def failed(self) -> int:
        """Return how many rows some model could not score."""
        return len({index for index, _ in self._told})

    def of_models(self, models: Sequence[ModelOptions]) -> Generator[EvaluateEvent, None, list[Scored]]:
        """Find all models, then have each score the rows.

        Raises InputError where the data is not what it was, and ConfigError where two models are one.
        """
        found = yield from found_models(models, self._share)
        scored: list[Scored] = []
        for located, model in zip(found, models, strict=True):
            yield ScoringStarted(model=located.name, rows=self._rows.count)
            scored.append((yield from self._scored(located, model, speaker=located.name if models[1:] else None)))
            self._data.verify()
        return scored

    def _scored(self, located: Located, model: ModelOptions, speaker: str | None) -> Generator[Event, None, Scored]:
        """Pass on what an evaluator says, with the speaker's name if there is one; return what it found."""
        ready = ModelReady(directory=str(located.directory), dtype=model.dtype)
        rows = self._rows.read(whole_files=self._evaluator.whole_files)
        with closing(scored_together(self._share, self._evaluator, located, model, rows)) as scoring:
            while True:
                try:
                    event = next(scoring)
                except StopIteration as end:
                    return Scored(located=located, ready=ready, scores=end.value)
                match event:
                    case ModelReady():
                        ready = event
                    case Notice(detail=False) | Stage() if speaker and not event.text.endswith(f" {speaker}"):
                        event = replace(event, text=f"{speaker}: {event.text}")
                    case RowFailed() if not self._share.is_main or (event.index, event.message) in self._told:
                        continue
                    case RowFailed():
                        self._told.add((event.index, event.message))
                yield event


def found_models(models: Sequence[ModelOptions], share: Share = ALONE) -> Generator[Event, None, list[Located]]:
    """Find all models; raises ConfigError where two of them are one."""
    found: list[Located] = []
    for model in models:
        located = yield from located_model(model.model, share)
        if any(located.directory.resolve() == other.directory.resolve() for other in found):
            raise ConfigError(f"two models are the same, {located.name} in {located.directory}: give each once")
        found.append(located)
    return found


def shared_rows(scored: Sequence[Scored], rows: int) -> Generator[Notice, None, list[Scored]]:
    """Return the models with the rows that all of them scored, and tell of others; raises InputError for none."""
    indices = [one.scores.index for one in scored]
    shared, any_scored = reduce(np.intersect1d, indices), reduce(np.union1d, indices)
    if not len(shared):
        everyone = "" if len(scored) == 1 else " by all models"
        raise InputError(f"nothing can be measured: of {rows:,} rows none could be scored{everyone}")
    if len(shared) < len(any_scored):
        text = "rows that are left out of all figures, since not every model could score them"
        yield Notice(text=f"{text}: {len(any_scored) - len(shared):,}")
    return [replace(one, scores=one.scores.taken(np.searchsorted(one.scores.index, shared))) for one in scored]
