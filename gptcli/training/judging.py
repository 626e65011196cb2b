"""How a tuned model is judged while it trains: held-out rows, completions written for some of them, and samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from statistics import fmean

import numpy as np

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.options import SamplingOptions
from gptcli.evaluation.copying import CopyIndex
from gptcli.evaluation.matching import exact_match, token_f1
from gptcli.training.encoding import Encoder
from gptcli.training.events import SampleReport
from gptcli.training.options import TrainingOptions
from gptcli.training.rows import Row, RowSet
from gptcli.training.run import Run
from gptcli.training.validation import Evaluation, LabelValidator, TokenValidator, Validator
from gptcli.training.writing import sampled, write_on

COMPLETED_ROWS = 16
"""Held-out rows that are completed at each evaluation; writing is slow, so it is a sample."""
LONGEST_COMPLETION = 64
_ENCODED_ROWS = 1000
"""Rows that are tokenized at once."""


class Judge:
    """Judges the model of one run."""

    def __init__(
        self, rows: RowSet, encoder: Encoder, tokenizer: Tokenizer, options: TrainingOptions, *, eos_id: int
    ) -> None:
        self._rows = rows
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._options = options
        self._eos_id = eos_id

    def evaluate(self, run: Run) -> Evaluation:
        """Return the metrics of the task on the held-out rows; all processes must call it."""
        found = self._validator.evaluate(run.wrapped, run.processes)
        if self._rows.roles.task != "complete":
            return found
        with run.language_model() as model:
            texts = [] if model is None else write_on(model, self._tokenizer, *self._asked, seed=self._options.seed)
        return replace(found, metrics=found.metrics | run.processes.told_by_main(self._matches(texts)))

    def sample(self, run: Run) -> SampleReport | None:
        """Return what the model writes behind --sample-prompt, if there is one; all processes must call it."""
        return sampled(run, self._tokenizer, self._options, lambda: self._corpus)

    @cached_property
    def _validator(self) -> Validator:
        rows = self._rows.validation
        examples = [
            example
            for begin in range(0, len(rows), _ENCODED_ROWS)
            for row_examples in self._encoder.examples(rows[begin : begin + _ENCODED_ROWS])
            for example in row_examples
        ]
        labels = self._rows.labels
        if labels is not None:
            return LabelValidator(examples, kind=labels.kind, num_labels=max(1, len(labels.names)))
        return TokenValidator(examples, rows=len(rows), eos_id=self._eos_id)

    @cached_property
    def _chosen(self) -> Sequence[Row]:
        """Return the held-out rows to complete, drawn by the seed."""
        rows = self._rows.validation
        order = np.random.default_rng(self._options.seed).permutation(len(rows))
        return [rows[int(number)] for number in np.sort(order[:COMPLETED_ROWS])]

    @property
    def _asked(self) -> tuple[list[str], SamplingOptions]:
        """Return the prompts to complete and how: greedily, to the end mark or the template's stop text."""
        stop = "" if self._rows.template is None else self._rows.template.stop
        longest = max(len(self._tokenizer.encode(row.completion or "")) for row in self._chosen) + 1
        options = SamplingOptions(
            temperature=0.0, max_new_tokens=min(longest, LONGEST_COMPLETION), stop=(stop,) if stop.strip() else ()
        )
        return [row.text for row in self._chosen], options

    def _matches(self, texts: Sequence[str]) -> dict[str, float]:
        """Return how well completions match those of the rows."""
        stop = "" if self._rows.template is None else self._rows.template.stop
        wanted = [(row.completion or "").removesuffix(stop).strip() for row in self._chosen]
        pairs = list(zip(texts, wanted, strict=False))
        return {
            "exact_match": fmean([exact_match(text, reference) for text, reference in pairs] or [0.0]),
            "token_f1": fmean([token_f1(text, reference) for text, reference in pairs] or [0.0]),
        }

    @cached_property
    def _corpus(self) -> CopyIndex:
        return CopyIndex.of(self._training_texts())

    def _training_texts(self) -> Iterator[str]:
        for row in self._rows.train:
            yield row.text + (row.completion or "")
