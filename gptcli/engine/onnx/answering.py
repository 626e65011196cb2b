"""Answer what hidden states are asked, in products of the head that are large enough to be worth while."""

from collections.abc import Sequence

import numpy as np

from gptcli.engine.backend import Floats, Ids
from gptcli.engine.onnx.head import Head
from gptcli.engine.onnx.reading import TokenQuestion

HEAD_ROWS = 128
"""Positions predicted at once: 26 MB of logits with GPT-2's vocabulary."""


class Answering:
    """Collects the questions of many passes; a row's answers do not depend on the rows beside it."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._questions: list[TokenQuestion] = []
        self._numbers: list[Ids] = []  # of the collected row that each token is asked of
        self._hidden: list[Floats] = []
        self._rows = 0

    def ask(self, questions: Sequence[TokenQuestion], rows: Ids, hidden: Floats) -> None:
        """Ask hidden states (rows, width) of a pass, whose sorted row numbers are given, and nobody but them."""
        self._questions += questions
        self._numbers += [np.searchsorted(rows, question.rows) + self._rows for question in questions]
        self._hidden.append(hidden)
        self._rows += len(rows)
        if self._rows >= HEAD_ROWS:
            self.finish()

    def finish(self) -> None:
        """Write down all answers that are still due."""
        if self._questions:
            self._answer(np.concatenate(self._hidden), np.concatenate(self._numbers))
        self._questions, self._numbers, self._hidden, self._rows = [], [], [], 0

    def _answer(self, hidden: Floats, numbers: Ids) -> None:
        """Predict from all rows, and tell each question how likely its tokens are."""
        targets = np.concatenate([question.tokens for question in self._questions])
        logprobs, greedy = np.empty(len(targets), np.float32), np.empty(len(targets), np.bool_)
        for begin in range(0, len(hidden), HEAD_ROWS):
            logits = self._head.run(hidden[begin : begin + HEAD_ROWS], 1)
            here = np.flatnonzero(numbers // HEAD_ROWS == begin // HEAD_ROWS)
            row, target = numbers[here] - begin, targets[here]
            logprobs[here] = logits.values[row, target] - logits.logsumexp[row]
            greedy[here] = logits.top_ids[row, 0] == target
        begin = 0
        for question in self._questions:
            end = begin + len(question.tokens)
            question.logprobs[:], question.greedy[:] = logprobs[begin:end], greedy[begin:end]
            begin = end
