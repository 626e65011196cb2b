"""Explore what a text may go on with: take a token, see what may follow, return, and turn the sampling options."""

import math
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Literal

from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.predictor import Predictor
from gptcli.engine.sampling import Sampler
from gptcli.explaining.candidates import Candidates, candidates
from gptcli.tasks.events import ModelReady, Notice, Stage
from gptcli.tasks.explain import next_tokens
from gptcli.tasks.explain_events import NextToken
from gptcli.tasks.locating import opened
from gptcli.tasks.windows import beginning

MOST_CHOICES = 200
"""Candidates that can be looked at: further than anybody scrolls."""

Knob = Literal["temperature", "top_k", "top_p"]
_ALL = math.inf
"""The place of top-k 0, which keeps all, among the others."""
STEPS: dict[Knob, tuple[float, ...]] = {
    "temperature": tuple(tenths / 10 for tenths in range(21)),
    "top_k": (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, _ALL),
    "top_p": tuple(hundredths / 100 for hundredths in range(5, 101, 5)),
}
"""The values that a turn of each option stops at, in order."""


def exploration(
    model: ModelOptions, text: str, options: SamplingOptions
) -> Generator[Stage | ModelReady | Notice, None, "Exploration"]:
    """Load a model, yielding how far that is, and return a text to explore with it.

    Raises ModelError, DeviceError, ConfigError, and InputError for a text with half of a surrogate pair.
    """
    loaded = yield from opened(replace(model, batch_size=1), partial(load_model, least_slots=1))
    return Exploration(loaded, Predictor(loaded.engine.backend), text=text, options=options)


class Exploration:
    """A text that grows and shrinks by tokens, and what may come next; the options can change at any time."""

    def __init__(self, loaded: LoadedModel, predictor: Predictor, *, text: str, options: SamplingOptions) -> None:
        self.options = options
        self.vocab_size = loaded.config.vocab_size
        self.window = loaded.config.n_positions
        self._first_options = options
        self._loaded = loaded
        self._predictor = predictor
        self._begin = beginning(loaded.config)
        self._path: list[tuple[int, ...]] = [tuple(loaded.tokenizer.encode(text))]

    @property
    def tokens(self) -> tuple[int, ...]:
        """Return the text's tokens."""
        return self._path[-1]

    @property
    def text(self) -> str:
        """Return the text; a character that its last token leaves unfinished is U+FFFD."""
        return self._loaded.tokenizer.decode(self.tokens)

    @property
    def unseen(self) -> int:
        """Return how many tokens at the beginning the model's context no longer holds."""
        return max(0, len(self.tokens) - self.window)

    def take(self, token: int) -> None:
        """Put a token behind the text."""
        self._path.append((*self.tokens, token))

    def write(self, text: str) -> None:
        """Put a text behind the text, tokenized together with it where it ends in a whole character.

        Raises InputError for a text with half of a surrogate pair, and changes nothing then.
        """
        if not text:
            return
        tokenizer = self._loaded.tokenizer
        before = b"".join(map(tokenizer.token_bytes, self.tokens))
        try:
            tokens = tokenizer.encode(before.decode() + text) if self.tokens else tokenizer.encode(text)
        except UnicodeDecodeError:
            tokens = [*self.tokens, *tokenizer.encode(text)]
        self._path.append(tuple(tokens))

    def back(self) -> bool:
        """Undo the last take or write; return whether there was one."""
        if len(self._path) == 1:
            return False
        self._path.pop()
        return True

    def turn(self, knob: Knob, direction: Literal[-1, 1]) -> None:
        """Set an option to its next smaller or larger step; it stays as it is where there is none."""
        value = getattr(self.options, knob)
        if knob == "top_k" and value == 0:
            value = _ALL
        beyond = [step for step in STEPS[knob] if (step - value) * direction > 0]
        if not beyond:
            return
        reached = min(beyond) if direction > 0 else max(beyond)
        match knob:
            case "temperature":
                self.options = replace(self.options, temperature=reached)
            case "top_k":
                self.options = replace(self.options, top_k=0 if reached == _ALL else int(reached))
            case "top_p":
                self.options = replace(self.options, top_p=reached)

    def reset(self) -> None:
        """Set all options as they were at first."""
        self.options = self._first_options

    def candidates(self) -> Candidates | None:
        """Return what may come next, likeliest first; None for an empty text that the model cannot go on from.

        An empty text goes on from the beginning-of-text token, as in generate; a long one from its last tokens.
        """
        read = self._read()
        if not read:
            return None
        sampler = Sampler(options=self.options, eos_token_ids=self._loaded.config.eos_token_ids, ban=None)
        return candidates(self._predictor.logits(read), sampler, read, count=MOST_CHOICES)

    def choices(self, found: Candidates) -> tuple[NextToken, ...]:
        """Return candidates as they are shown to people."""
        return next_tokens(found, self._loaded.tokenizer)

    def _read(self) -> tuple[int, ...]:
        if self.tokens:
            return self.tokens[-self.window :]
        return () if self._begin is None else (self._begin,)
