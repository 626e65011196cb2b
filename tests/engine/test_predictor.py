"""A text that grows by a token is read by that token alone, and what follows it is what follows the whole text."""

from pathlib import Path

import numpy as np
import pytest

from gptcli.engine.predictor import REMEMBERED, Predictor
from tests.decoding import loaded
from tests.inspecting import all_logits
from tests.inspecting import loaded as inspected


class Counting:
    """A backend that counts its tokens."""

    def __init__(self, directory: Path, backend: str) -> None:
        self._backend = loaded(directory, backend, batch_size=1).engine.backend
        self.read: list[int] = []
        """The tokens of each pass."""

    def prefill(self, slot, prompts, top):
        """Read whole prompts."""
        self.read.append(sum(map(len, prompts)))
        return self._backend.prefill(slot, prompts, top)

    def decode(self, tokens, lengths, top):
        """Read a token of each."""
        self.read.append(len(tokens))
        return self._backend.decode(tokens, lengths, top)


def test_steps_there_and_back_predict_what_the_whole_text_does(tiny, backend_name):
    backend = Counting(tiny, backend_name)
    predictor = Predictor(backend)
    path = [(5, 6, 7), (5, 6, 7, 8), (5, 6, 7, 8, 9), (5, 6, 7), (5, 6, 7, 1), (5, 6, 7, 1, 2), (4, 6, 7, 1, 2, 3)]
    for tokens in path:
        whole = all_logits(inspected(tiny, backend_name), tokens, len(tokens) - 1)[0]
        np.testing.assert_allclose(predictor.logits(tokens), whole, atol=1e-5)
    assert backend.read == [3, 1, 1, 1, 1, 6]


def test_up_to_the_whole_context(tiny, backend_name):
    backend = Counting(tiny, backend_name)
    predictor = Predictor(backend)
    for end in range(1, 49):
        predicted = predictor.logits(tuple(range(end)))
    whole = all_logits(inspected(tiny, backend_name), range(48), 47)[0]
    np.testing.assert_allclose(predicted, whole, atol=1e-5)
    assert backend.read == [1] * 48


def test_texts_asked_for_long_ago_are_forgotten(tiny):
    backend = Counting(tiny, "onnx")
    predictor = Predictor(backend)
    for token in range(REMEMBERED + 1):
        predictor.logits((token, 0))
    predictor.logits((1, 0))
    assert len(backend.read) == REMEMBERED + 1
    predictor.logits((0, 0))
    assert len(backend.read) == REMEMBERED + 2


def test_a_pass_that_was_interrupted_leaves_nothing_to_go_on_from(tiny, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    backend = Counting(tiny, "onnx")
    predictor = Predictor(backend)
    predictor.logits((5, 6))
    with monkeypatch.context() as patch:
        patch.setattr(backend, "decode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            predictor.logits((5, 6, 7))
    predictor.logits((5, 6, 8))
    assert backend.read == [2, 3]
