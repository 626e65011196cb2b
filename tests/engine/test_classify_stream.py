"""Documents through a classifier: in order, in passes of like lengths, and no later than they could be."""

import queue
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from gptcli.engine.backend import Tokens
from gptcli.engine.batching import CHUNK_PASSES
from gptcli.engine.classify_stream import Document, DocumentLogits, logits_in_order


class Counting:
    """A classifier whose logit is a row's first token; it notes the rows of each pass."""

    def __init__(self, most_tokens: int = 100) -> None:
        self.most_tokens = most_tokens
        self.passes: list[list[int]] = []

    def classify(self, rows: Sequence[Tokens]) -> np.ndarray:
        """Return the first token of each row."""
        self.passes.append([len(row) for row in rows])
        return np.array([[row[0]] for row in rows], np.float32)


def document(key: int, *lengths: int) -> Document:
    return Document(key=key, windows=tuple(np.full(length, key, np.int32) for length in lengths))


def test_results_and_what_stands_between_come_in_input_order() -> None:
    items = [document(0, 9), "bad row", document(1, 90), document(2, 3), "another"]
    results = list(logits_in_order(Counting(), items))
    assert [item.key if isinstance(item, DocumentLogits) else item for item in results] == [
        0,
        "bad row",
        1,
        2,
        "another",
    ]


def test_rows_of_like_lengths_share_a_pass_and_none_has_more_tokens_than_it_takes() -> None:
    classifier = Counting()
    list(logits_in_order(classifier, [document(key, 10 if key % 2 else 50) for key in range(40)]))
    assert sum(map(len, classifier.passes)) == 40
    assert all(len(lengths) * max(lengths) <= 100 for lengths in classifier.passes)
    assert sum(set(lengths) == {10} for lengths in classifier.passes) >= 2


def test_a_pass_has_no_more_rows_than_were_allowed() -> None:
    classifier = Counting()
    list(logits_in_order(classifier, [document(key, 1) for key in range(20)], most_rows=3))
    assert max(map(len, classifier.passes)) <= 3


def test_a_row_longer_than_a_pass_runs_alone() -> None:
    classifier = Counting()
    list(logits_in_order(classifier, [document(0, 500), document(1, 400)]))
    assert classifier.passes in ([[500], [400]], [[400], [500]])


def test_all_windows_of_a_document_come_back_together_in_their_order() -> None:
    windows = tuple(np.full(length, length, np.int32) for length in (40, 60, 20))
    (result,) = logits_in_order(Counting(), [Document(key=7, windows=windows)])
    assert isinstance(result, DocumentLogits)
    assert result.values.tolist() == [[40], [60], [20]]


def test_a_row_is_answered_before_the_next_one_is_there() -> None:
    answered: queue.Queue[int] = queue.Queue()

    def slow() -> Iterator[Document]:
        for key in range(3):
            yield document(key, 5)
            assert answered.get(timeout=30) == key

    for result in logits_in_order(Counting(), slow()):
        assert isinstance(result, DocumentLogits)
        answered.put(result.key)


def test_what_is_read_ahead_is_bounded() -> None:
    classifier = Counting()
    limit = CHUNK_PASSES * classifier.most_tokens
    read = 0

    def endless() -> Iterator[Document]:
        nonlocal read
        while True:
            read += 1
            yield document(read, 10)

    results = logits_in_order(classifier, endless())
    for _ in range(1000):
        next(results)
    results.close()
    assert read <= 1000 + 2 * limit // 10 + 2


def test_an_error_of_the_input_comes_behind_the_results_of_what_came_before() -> None:
    def broken() -> Iterator[Document]:
        yield document(0, 5)
        raise OSError("gone")

    results = logits_in_order(Counting(), broken())
    assert isinstance(next(results), DocumentLogits)
    with pytest.raises(OSError, match="gone"):
        next(results)
