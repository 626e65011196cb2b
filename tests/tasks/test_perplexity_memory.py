"""Memory: of a row only its numbers stay."""

import tracemalloc

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import LoadedScorer, SpanScores
from gptcli.tasks.evaluators import perplexity
from tests.perplexities import ROLES, tokenizer_of
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


def test_texts_are_measured_in_the_memory_of_their_numbers(builtin, monkeypatch):
    real = loaded(builtin, "onnx")
    even = LoadedScorer(
        name="even",
        directory=builtin,
        dtype="float32",
        config=real.config,
        tokenizer=tokenizer_of(builtin),
        scorer=EvenScorer(),
        most_rows=None,
        description="",
    )
    monkeypatch.setattr(perplexity, "load_scorer", lambda located, options: even)
    evaluator = perplexity.Perplexity(perplexity.PerplexityOptions(), ROLES)
    rows = ((n, Record(source="in", line=n, columns={"text": f"{n} {TEXT}"})) for n in range(ROWS))
    tracemalloc.start()
    scoring = evaluator.score(Located(name="even", directory=builtin), ModelOptions(), rows)
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
