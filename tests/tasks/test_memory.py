"""Memory: of a row only its numbers stay, and where lines are chosen by their surprisal nothing does."""

import tracemalloc
from dataclasses import replace

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import SpanScores
from gptcli.tasks import explain
from gptcli.tasks.evaluators import perplexity
from gptcli.tasks.explain_config import ExplainConfig
from gptcli.tasks.explain_events import RowMeasured
from tests.perplexities import ROLES
from tests.scoring import loaded

ROWS = 1000
TEXT = "many words " * 200
MOST_BYTES = 1_000_000
"""Half of what the texts take, and some times what their numbers do."""


class EvenScorer:
    """Finds every token as likely as any other."""

    most_tokens = 512

    def score(self, items, prefix, most_rows):
        """Say so of each span."""
        return [
            [SpanScores(logprobs=np.full(length, -4.5, np.float32), greedy=np.zeros(length, bool))]
            for length in (len(spans[0].tokens) - spans[0].start for spans in items)
        ]


def rows():
    """Yield long texts."""
    return (Record(source="in", line=n, columns={"text": f"{n} {TEXT}"}) for n in range(ROWS))


def test_texts_are_measured_in_the_memory_of_their_numbers(builtin, monkeypatch):
    even = replace(loaded(builtin, "onnx"), scorer=EvenScorer())
    monkeypatch.setattr(perplexity, "load_scorer", lambda located, options: even)
    evaluator = perplexity.Perplexity(perplexity.PerplexityOptions(), ROLES)
    tracemalloc.start()
    scoring = evaluator.score(Located(name="even", directory=builtin), ModelOptions(), enumerate(rows()))
    while True:
        try:
            next(scoring)
        except StopIteration as end:
            scores = end.value
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scores.rows == ROWS
    assert float(scores.columns["nats"].sum()) == 4.5 * scores.columns["tokens"].sum()
    assert peak < MOST_BYTES


def test_of_lines_that_are_chosen_by_their_surprisal_nothing_stays(builtin, monkeypatch):
    even = replace(loaded(builtin, "onnx"), scorer=EvenScorer())
    monkeypatch.setattr(explain, "load_scorer", lambda located, options: even)
    config = ExplainConfig(records=rows(), model=ModelOptions(model="builtin", device="cpu"))
    tracemalloc.start()
    measured = sum(isinstance(event, RowMeasured) for event in explain.measure(config))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert measured == ROWS
    assert peak < MOST_BYTES
