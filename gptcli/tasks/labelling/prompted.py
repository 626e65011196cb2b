"""Labels in words, which no model was tuned on: what a language model expects behind a text says which one fits."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.labels import LabelSet
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.scorer import Item, ItemScores, LoadedScorer, SpanScores
from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.calibration import (
    CONTENT_FREE,
    against_domain,
    averaged,
    calibrated,
    content_free_prior,
    label_probabilities,
    option_mass,
    summed,
)
from gptcli.evaluation.probabilities import Pooling, Values, pooled
from gptcli.tasks.config import Long
from gptcli.tasks.events import Notice, RowFailed
from gptcli.tasks.labelling.labeller import Labelled, Labeller, Other, TextRow, own_labels
from gptcli.tasks.labelling.options import LabelOptions
from gptcli.tasks.labelling.prompts import LabelPrompts, LabelQuestion
from gptcli.tasks.labelling.shots import FewShotPrompts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A row on its way: its questions, and the answers so far."""

    row: TextRow
    questions: tuple[LabelQuestion, ...]
    answers: list[ItemScores] = field(default_factory=list)

    def items(self) -> Iterator[Item]:
        """Yield what is to be scored, an item a window."""
        return (Item(key=self.row.index, spans=question.spans) for question in self.questions)


class PromptedLabeller(Labeller):
    """A language model that is asked for each label behind each text."""

    def __init__(self, model: LoadedScorer, labels: LabelOptions, *, long: Long) -> None:
        """Ask a model about no text; raises ConfigError, and InputError for a file of examples that cannot be used."""
        self.labels = LabelSet(kind="single", names=labels.names)
        self.directory, self.dtype = model.directory, model.dtype
        self._model = model
        self._options = labels
        self._prompts = FewShotPrompts(model.tokenizer, model.config, labels, long=long)
        self.room = self._prompts.shared.room
        self._pooling: Pooling = "max" if long == "max" else "mean"
        self._asked: dict[int, _Asked] = {}
        self._domain: Values | None = None
        self._prior: Values | None = None
        if labels.scoring == "pmi":
            self._domain = self._ask_alone([""])[0]
        if labels.calibrated:
            self._prior = content_free_prior(self._ask_alone(CONTENT_FREE))
        self.details = (model.description, *self._prompts.details, *self._told())

    def labelled(self, rows: Iterable[TextRow | Other]) -> Generator[Labelled | RowFailed | Other, None, None]:
        """Yield the probabilities of the labels behind each text; the examples before it are read once."""
        prefix, most_rows = self._prompts.shared.prefix, self._model.most_rows
        items = (item for row in rows for item in self._items(row))
        scored: Generator[ItemScores | _Asked | RowFailed | Other, None, None] = scores_in_order(
            self._model.scorer, items, prefix=prefix, most_rows=most_rows
        )
        for item in scored:
            if isinstance(item, ItemScores):
                asked = self._asked[item.key]
                asked.answers.append(item)
                if len(asked.answers) == len(asked.questions):
                    yield self._said(self._asked.pop(item.key))
            elif isinstance(item, _Asked):  # a row that is an example itself: it shares nothing with the others
                item.answers.extend(scores_in_order(self._model.scorer, item.items(), most_rows=most_rows))
                yield self._said(item)
            else:
                yield item

    def notices(self) -> Iterator[Notice]:
        """Yield what was cut."""
        return self._prompts.notices()

    def _items(self, row: TextRow | Other) -> Iterator[Item | _Asked | RowFailed | Other]:
        """Yield the windows of a row to score with the others, or what else is to be done with it."""
        if not isinstance(row, TextRow):
            yield row
            return
        prompts = self._prompts.of(row)
        try:
            asked = _Asked(row=row, questions=prompts.questions(row.place, row.text))
        except InputError as error:
            yield RowFailed(index=row.index, record=row.record, message=str(error))
            return
        if prompts is not self._prompts.shared:
            yield asked
            return
        self._asked[row.index] = asked
        yield from asked.items()

    def _said(self, asked: _Asked) -> Labelled:
        """Return the probabilities of a row, its windows taken together."""
        scores = np.stack([self._scores(answer.spans) for answer in asked.answers])
        masses = [_mass(*pair) for pair in zip(asked.questions, asked.answers, strict=True)]
        if self._prior is not None:
            scores = calibrated(scores, self._prior)
        return Labelled(
            row=asked.row,
            probabilities=pooled(label_probabilities(scores), self.labels.kind, self._pooling),
            tokens=sum(question.tokens for question in asked.questions),
            option_mass=float(np.mean(masses)),
        )

    def _scores(self, spans: Sequence[SpanScores]) -> Values:
        """Return the score of each label, (labels,), by --scoring."""
        logprobs = [span.logprobs for span in spans]
        if self._options.scoring == "mean":
            return averaged(logprobs)
        return summed(logprobs) if self._domain is None else against_domain(summed(logprobs), self._domain)

    def _ask_alone(self, texts: Sequence[str]) -> Values:
        """Return the scores (texts, labels) of texts that say nothing, behind the examples as all others are."""
        prompts: LabelPrompts = self._prompts.shared
        questions = [prompts.content_free(text) for text in texts]
        items = [Item(key=key, spans=question.spans) for key, question in enumerate(questions)]
        scores = scores_in_order(self._model.scorer, items, prefix=prompts.prefix, most_rows=self._model.most_rows)
        return np.stack([self._scores(item.spans) for item in scores])

    def _told(self) -> Iterator[str]:
        """Yield what --verbose tells of how labels are asked for."""
        names = self._options.names
        yield f"template {self._options.template!r}; scoring {self._options.scoring}; labels {', '.join(names)}"
        if self._prior is not None:
            shares = ", ".join(f"{name} {share:.4f}" for name, share in zip(names, self._prior, strict=True))
            yield f"calibration: behind {', '.join(map(repr, CONTENT_FREE))} the labels have {shares}; divided out"


def _mass(question: LabelQuestion, answer: ItemScores) -> float:
    first = [int(span.tokens[span.start]) for span in question.spans]
    return option_mass(first, [float(scores.logprobs[0]) for scores in answer.spans])


def refuse_head(located: Located, asked: Sequence[str]) -> None:
    """Raise ConfigError for a model that has labels of its own, with these and those asked for."""
    own = own_labels(located)
    if own is not None:
        told = ", ".join(own.names) or "a number"
        others = "" if set(own.names) == set(asked) else f", and not {', '.join(asked)}"
        raise ConfigError(
            f"--labels cannot apply: {located.name} was tuned to tell {told}{others}: leave --labels out, or give a"
            " model without a classification head"
        )
