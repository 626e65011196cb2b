"""How a pretrained model is judged while it trains: bits per byte of held-out documents, and samples."""

from functools import cached_property

import numpy as np

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.evaluation.copying import CopyIndex
from gptcli.training.corpus import Corpus
from gptcli.training.corpus_documents import Documents
from gptcli.training.events import SampleReport
from gptcli.training.options import TrainingOptions
from gptcli.training.run import Run
from gptcli.training.validation import Evaluation, TokenValidator
from gptcli.training.writing import sampled


class CorpusJudge:
    """Judges the model of one run."""

    def __init__(
        self, corpus: Corpus, documents: Documents, tokenizer: Tokenizer, options: TrainingOptions, *, length: int
    ) -> None:
        self._corpus = corpus
        self._documents = documents
        self._tokenizer = tokenizer
        self._options = options
        self._length = length

    def evaluate(self, run: Run) -> Evaluation:
        """Return the metrics on the held-out documents; all processes must call it."""
        return self._validator.evaluate(run.wrapped, run.processes)

    def sample(self, run: Run) -> SampleReport | None:
        """Return what the model writes behind --sample-prompt, if there is one; all processes must call it."""
        return sampled(run, self._tokenizer, self._options, lambda: self._texts)

    @cached_property
    def _validator(self) -> TokenValidator:
        held_out = self._corpus.validation
        assert held_out is not None
        source = held_out.windows(self._length)
        examples = [example for sequence in source.sequences(np.arange(source.items)) for example in sequence]
        facts = held_out.facts
        return TokenValidator(examples, rows=facts.documents, eos_id=held_out.eos_id, text_bytes=facts.text_bytes)

    @cached_property
    def _texts(self) -> CopyIndex:
        return CopyIndex.of(document.text for document in self._documents)
