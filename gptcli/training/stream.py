"""The order in which rows are learned, and the place in it: a run can go on from any step.

Each epoch shuffles the rows by the seed and the epoch's number. They are tokenized a window at a time, while the
window before is being learned, so that the first step waits for one window and not for a million rows.
"""

from collections.abc import Iterator
from collections.abc import Sequence as Many
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptcli.training.batches import Sequence, pack

WINDOW_STEPS = 32
"""Steps that a window is meant to hold: rows are packed within a window."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the stream: so many steps of this window of this epoch are done."""

    epoch: int = 0
    window: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The sequences of one step of the optimizer, the same in all processes."""

    sequences: tuple[Sequence, ...]
    after: Position
    epochs_done: float
    """Of the run, once this step is done."""


class Source(Protocol):
    """Numbered items, rows or pieces of a corpus, that become sequences."""

    @property
    def items(self) -> int:
        """How many there are."""
        ...

    def sequences(self, chosen: NDArray[np.int64]) -> list[Sequence]:
        """Return the sequences of a window of items; the same for the same items."""
        ...

    def items_per_sequence(self) -> float:
        """Return about how many items a sequence takes, at least 1."""
        ...


class Stream:
    """Steps of a source, epoch after epoch."""

    def __init__(self, source: Source, *, sequences_per_step: int, seed: int) -> None:
        self._source = source
        self._per_step = sequences_per_step
        self._seed = seed
        self._window_items = max(1, int(sequences_per_step * WINDOW_STEPS * source.items_per_sequence()))

    def steps(self, position: Position) -> Iterator[Step]:
        """Yield steps from a position on, without end; the next window is prepared by a thread of its own."""
        with ThreadPoolExecutor(1, thread_name_prefix="tokenize") as pool:
            ahead: Future[Window] = pool.submit(self._window, position.epoch, position.window)
            done = position.step
            while True:
                window = ahead.result()
                ahead = pool.submit(self._window, *window.next)
                for number in range(done, len(window.steps)):
                    yield self._step(window, number)
                done = 0

    def _step(self, window: "Window", number: int) -> Step:
        last = number + 1 == len(window.steps)
        after = Position(*window.next) if last else Position(window.epoch, window.number, number + 1)
        share = (number + 1) / len(window.steps)
        items = window.begin + share * (window.end - window.begin)
        return Step(window.steps[number], after, window.epoch + items / self._source.items)

    def _window(self, epoch: int, number: int) -> "Window":
        """Tokenize a window and part it into shuffled steps."""
        order = np.random.default_rng((self._seed, epoch)).permutation(self._source.items)
        begin = number * self._window_items
        end = min(begin + self._window_items, self._source.items)
        sequences = self._source.sequences(order[begin:end])
        shuffled = np.random.default_rng((self._seed, epoch, number + 1)).permutation(len(sequences))
        steps = tuple(
            tuple(sequences[index] for index in shuffled[at : at + self._per_step])
            for at in range(0, len(sequences), self._per_step)
        )
        following = (epoch, number + 1) if end < self._source.items else (epoch + 1, 0)
        return Window(epoch, number, begin, end, steps, following)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A part of an epoch, ready to learn."""

    epoch: int
    number: int
    begin: int
    end: int
    steps: tuple[tuple[Sequence, ...], ...]
    next: tuple[int, int]
    """Epoch and number of the window behind it."""


def as_sequences(examples: Many[Sequence], *, packing: bool, length: int) -> list[Sequence]:
    """Return a sequence for each row's examples, or pack them."""
    flat = [example for row in examples for example in row]
    return pack(flat, length) if packing else [(example,) for example in flat]
