"""The order of training follows from the seed alone, and can be taken up at any place."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gptcli.training.batches import Example, Sequence
from gptcli.training.schedule import lr_factor
from gptcli.training.stream import Position, Stream


class Numbers:
    """Rows that are their own numbers."""

    items = 200

    def sequences(self, chosen: NDArray[np.int64]) -> list[Sequence]:
        return [(Example(np.array([item], dtype=np.int32), None, 0, str(item)),) for item in chosen]

    def items_per_sequence(self) -> float:
        return 1.0


def rows(stream: Stream, position: Position, count: int) -> tuple[list[list[int]], list[Position]]:
    steps = list(islice(stream.steps(position), count))
    return [[int(sequence[0].input_ids[0]) for sequence in step.sequences] for step in steps], [
        step.after for step in steps
    ]


def test_an_epoch_learns_every_row_once_and_the_next_in_another_order() -> None:
    stream = Stream(Numbers(), sequences_per_step=3, seed=1)
    learned, after = rows(stream, Position(), 140)
    end = after.index(Position(1, 0, 0)) + 1
    first = [row for step in learned[:end] for row in step]
    second = [row for step in learned[end : 2 * end] for row in step]
    assert sorted(first) == sorted(second) == list(range(200))
    assert first != second


def test_a_stream_taken_up_at_any_step_goes_on_as_it_would_have() -> None:
    learned, after = rows(Stream(Numbers(), sequences_per_step=3, seed=1), Position(), 80)
    for done in (1, 31, 32, 33, 66, 67):
        again, _ = rows(Stream(Numbers(), sequences_per_step=3, seed=1), after[done - 1], 80 - done)
        assert again == learned[done:]


def test_the_rate_rises_and_falls_as_the_schedule_says() -> None:
    def factor(schedule: str, before: float, warmup: float = 0.1) -> float:
        return lr_factor(schedule, warmup, step=5, before=before, after=before + 0.01)  # type: ignore[arg-type]

    assert factor("linear", 0.04) == 0.5
    assert abs(factor("linear", 0.55) - 0.5) < 1e-9
    assert abs(factor("cosine", 0.55) - 0.5) < 1e-9
    assert factor("wsd", 0.7) == factor("constant", 0.99) == 1
    assert abs(factor("wsd", 0.9) - 0.5) < 1e-9
    assert factor("linear", 0.0, warmup=10) == 0.5
    assert factor("linear", 0.0, warmup=0) == 1
