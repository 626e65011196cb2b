"""Items through a scorer: in order, no later than they could be, and refused where they would give no number."""

import queue
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Tokens
from gptcli.engine.batching import CHUNK_PASSES
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores, Span, SpanScores, load_scorer
from gptcli.errors import ModelError
from tests.classifiers import save_random_classifier
from tests.conftest import save_random_gpt2
from tests.scoring import items_of, loaded, scored, span


class Counting:
    """A scorer to which each token is as likely as it is large; it notes the items of each call."""

    def __init__(self, most_tokens: int = 100) -> None:
        self.most_tokens = most_tokens
        self.calls: list[int] = []

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the tokens as their log probabilities."""
        self.calls.append(len(items))
        return [[_as_scores(each) for each in spans] for spans in items]


def _as_scores(each: Span) -> SpanScores:
    tokens = each.tokens[each.start :]
    return SpanScores(logprobs=tokens.astype(np.float32), greedy=tokens > 50)


def test_results_and_what_stands_between_come_in_input_order() -> None:
    one, two, three = items_of([span([1, 2])], [span(range(1, 90))], [span([5, 6, 7], 2), span([5, 9])])
    results = list(scores_in_order(Counting(), [one, "bad row", two, three, "another"]))
    assert [result.key if isinstance(result, ItemScores) else result for result in results] == [
        0,
        "bad row",
        1,
        2,
        "another",
    ]
    last = results[3]
    assert isinstance(last, ItemScores)
    assert [scores.logprobs.tolist() for scores in last.spans] == [[7], [9]]


def test_a_row_is_answered_before_the_next_one_is_there() -> None:
    answered: queue.Queue[int] = queue.Queue()

    def slow() -> Iterator[Item]:
        for item in items_of(*[[span([1, 2, 3])]] * 3):
            yield item
            assert answered.get(timeout=30) == item.key

    for result in scores_in_order(Counting(), slow()):
        assert isinstance(result, ItemScores)
        answered.put(result.key)


def test_what_is_read_ahead_is_bounded_and_a_prefix_does_not_count() -> None:
    scorer = Counting()
    prefix = np.arange(1, 1001, dtype=np.int32)
    read = 0

    def endless() -> Iterator[Item]:
        nonlocal read
        while True:
            read += 1
            tokens = np.concatenate([prefix, np.full(10, 7, np.int32)])
            yield Item(key=read, spans=(Span(tokens=tokens, start=1001),))

    results = scores_in_order(scorer, endless(), prefix=prefix)
    for _ in range(300):
        next(results)
    results.close()
    assert read <= 300 + 2 * CHUNK_PASSES * scorer.most_tokens // 10 + 2
    assert max(scorer.calls) > 10


def test_an_error_of_the_input_comes_behind_the_results_of_what_came_before() -> None:
    def broken() -> Iterator[Item]:
        yield from items_of([span([1, 2])])
        raise OSError("gone")

    results = scores_in_order(Counting(), broken())
    assert isinstance(next(results), ItemScores)
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_an_item_without_spans_or_without_anything_to_score_has_no_scores(tiny: Path, backend_name: str) -> None:
    nothing, empty = scored(loaded(tiny, backend_name), items_of([], [span([5, 6, 7], 3), span([5], 1)]))
    assert nothing == []
    assert [len(scores.logprobs) for scores in empty] == [0, 0]


@pytest.mark.parametrize("start", [0, 4])
def test_a_span_needs_a_token_before_the_first_one_that_is_scored(start: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 3"):
        span([1, 2, 3], start)


def test_a_span_that_does_not_begin_with_the_prefix_is_refused() -> None:
    items = items_of([span([1, 2, 3])], [span([1, 2, 3]), span([1, 4, 3])])
    with pytest.raises(ValueError, match="span 1 of item 1"):
        list(scores_in_order(Counting(), items, prefix=np.array([1, 2], np.int32)))


def test_a_model_that_predicts_no_number_is_refused(tmp_path: Path, backend_name: str) -> None:
    directory = save_random_gpt2(tmp_path, spread=1e30)
    with pytest.raises(ModelError, match="predicts no number"):
        scored(loaded(directory, backend_name), items_of([span([1, 2, 3])]))


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    directory = save_random_classifier(tmp_path, "bad", "good")
    with pytest.raises(ModelError, match="is a classifier"):
        load_scorer(Located(name="moods", directory=directory), ModelOptions(device="cpu"))


def test_a_prefix_is_read_once_until_it_changes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(tiny, "onnx")
    read: list[int] = []
    original = model.scorer._read  # type: ignore[attr-defined]
    monkeypatch.setattr(model.scorer, "_read", lambda part, rows: read.append(part.rows) or original(part, rows))
    prefix = [9, 8, 7, 6, 5]
    for _ in range(2):
        scored(model, items_of([span([*prefix, 1, 2], 5)]), prefix)
    assert read == [5, 1, 1]  # the last token predicts nothing that is asked
    scored(model, items_of([span([9, 8, 1, 2], 2)]), [9, 8])
    assert read == [5, 1, 1, 2, 1]


def test_on_torch_a_prefix_is_read_once_for_all_rows_until_it_changes(tiny: Path) -> None:
    model = loaded(tiny, "torch")
    read: list[tuple[int, ...]] = []
    transformer = model.scorer._model.transformer  # type: ignore[attr-defined]
    hook = transformer.register_forward_pre_hook(lambda _, tokens: read.append(tuple(tokens[0].shape)))
    prefix = [9, 8, 7, 6, 5]
    for _ in range(2):
        scored(model, items_of([span([*prefix, 1, 2], 5)], [span([*prefix, 3, 4, 5], 7)]), prefix)
    assert read == [(1, 5), (2, 2), (2, 2)]
    scored(model, items_of([span([9, 8, 1, 2], 2)], [span([9, 8], 1)]), [9, 8], most_rows=1)
    assert read[3:] == [(1, 2), (1, 1)], "a span that ends with the prefix asks for nothing more"
    hook.remove()
