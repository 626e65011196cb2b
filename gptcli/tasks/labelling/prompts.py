"""The questions that a language model is asked about a text: the template filled in, with each label behind it.

The edge of prompt and label: what is scored is all of the joined text's tokens behind the longest beginning that they
share with the prompt's, the same for all labels of a text. For labels behind white space those are their own tokens,
as in lm-evaluation-harness; where a label grows together with what stands before it, no token is scored that GPT-2
would never have made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.label_template import LabelTemplate
from gptcli.data.templates import WHITE
from gptcli.engine.backend import Tokens
from gptcli.engine.scorer import Span
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.config import Long
from gptcli.tasks.cuts import BLANK
from gptcli.tasks.events import Place
from gptcli.tasks.labelling.examples import Shot
from gptcli.tasks.labelling.options import LabelOptions
from gptcli.tasks.long_texts import LongTexts
from gptcli.tasks.windows import beginning

_BETWEEN_EXAMPLES = "\n\n"
LEAST_ROOM = 16
"""Tokens that a text must have room for: half a sentence, and below that a label would say little about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelQuestion:
    """A window of a text with each label behind it."""

    spans: tuple[Span, ...]
    """One a label, in the labels' order; the same tokens before start."""
    tokens: int
    """Of the prompt, without the examples before it."""


class LabelPrompts:
    """What a model reads of texts: the examples, if there are any, then the template filled in."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        config: ModelConfig,
        options: LabelOptions,
        *,
        long: Long,
        shots: Sequence[Shot] = (),
    ) -> None:
        """Raise ConfigError for labels without tokens or with the same, and where a text has less than LEAST_ROOM."""
        template = LabelTemplate(template=options.template)
        self._tokenizer = tokenizer
        self._begin = beginning(config)
        self._between = template.between
        self._answers = [template.answer(label.text) for label in options.labels]
        read = "".join(example_text(options, shot) for shot in shots)
        kept = read.rstrip(WHITE)  # what follows begins with white space, before which a cut changes no token
        self.prefix = self._tokens(kept)
        """The examples, with which every span begins."""
        self._before = read[len(kept) :] + template.before
        self._opening = self._before.rstrip(WHITE)
        self._head = self._tokens(self._opening)
        self._tails = [self._tokens(self._between + answer) for answer in self._answers]
        self._longest = config.n_positions - len(self.prefix)
        self.room = self._longest - len(self._head) - max(map(len, self._tails))
        """Tokens that a text may have."""
        self._refuse_unusable(options)
        place = f"the {self.room:,} tokens that the prompt leaves of the context of {config.n_positions:,}"
        self.texts = LongTexts(tokenizer, size=self.room, place=place, long=long)

    def questions(self, place: Place, text: str) -> tuple[LabelQuestion, ...]:
        """Return what to ask about a text, a question a window; raises InputError where nothing stands before a label.

        The text is cut where it has no room, never the examples, the template or a label.
        """
        if not text:
            self.texts.cuts.count("empty texts, labelled by the template alone", place)
        elif text.isspace():
            self.texts.cuts.count(BLANK, place)
        ids = self.texts.tokens(self._before[len(self._opening) :] + text)
        if len(ids) <= self.room and (whole := self._whole(text)) is not None:
            return (whole,)
        between = self._tokens(self._between)
        return tuple(
            self._question(_joined(self._head, window, between), [_joined(self._head, window, t) for t in self._tails])
            for window in self.texts.windows(place, ids)
        )

    def content_free(self, text: str) -> LabelQuestion:
        """Return the question about a short text that says nothing; raises ConfigError as questions does InputError."""
        question = self._whole(text)
        if question is None:  # it has LEAST_ROOM at least
            raise ConfigError("template, labels and examples leave calibration no room: give --no-calibrate")
        return question

    def _whole(self, text: str) -> LabelQuestion | None:
        """Return the question of a text that is not cut; None where it has no room after all."""
        prompt = f"{self._before}{text}{self._between}"
        joined = [self._tokens(prompt + answer) for answer in self._answers]
        if max(map(len, joined)) > self._longest:
            return None
        return self._question(self._tokens(prompt), joined)

    def _question(self, prompt: Tokens, joined: Sequence[Tokens]) -> LabelQuestion:
        """Return the spans of a prompt with each label, scored from where the first of them leaves the prompt."""
        before = self.prefix
        start = min(_shared(prompt, tokens) for tokens in joined)
        if not len(before) + start:
            if self._begin is None:
                raise InputError("leaves nothing before the label, and this model has no beginning-of-text token")
            before = np.array([self._begin], np.int32)
        start += len(before)
        spans = tuple(Span(tokens=_joined(before, tokens), start=start) for tokens in joined)
        return LabelQuestion(spans=spans, tokens=start - len(self.prefix))

    def _refuse_unusable(self, options: LabelOptions) -> None:
        seen: dict[bytes, str] = {}
        for label, answer, tail in zip(options.labels, self._answers, self._tails, strict=True):
            if not len(self._tokens(answer.strip(WHITE))):
                raise ConfigError(f"the label {label.name} has no tokens in this model: describe it in other words")
            other = seen.setdefault(tail.tobytes(), label.name)
            if other != label.name:
                raise ConfigError(f"the labels {other} and {label.name} are the same tokens: they cannot be told apart")
        if self.room < LEAST_ROOM:
            raise ConfigError(
                f"template and labels leave {max(0, self.room)} tokens of the context for a text, which needs"
                f" {LEAST_ROOM}: shorten them, or give fewer --shots"
            )

    def _tokens(self, text: str) -> Tokens:
        return np.array(self._tokenizer.encode_batch([text])[0], np.int32)


def example_text(options: LabelOptions, shot: Shot) -> str:
    """Return an example as it is read, with what parts it from the next."""
    template = LabelTemplate(template=options.template)
    text = next(label.text for label in options.labels if label.name == shot.label)
    return template.prompt(shot.text) + template.answer(text) + _BETWEEN_EXAMPLES


def _joined(*parts: Tokens) -> Tokens:
    return np.concatenate(parts, dtype=np.int32)


def _shared(first: Tokens, second: Tokens) -> int:
    """Return the length of the longest common beginning."""
    length = min(len(first), len(second))
    different = np.flatnonzero(first[:length] != second[:length])
    return int(different[0]) if len(different) else length
