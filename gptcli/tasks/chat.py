"""Answer in a conversation: one model kept open, turns in, the pieces of an answer out."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from gptcli.engine.finish import FinishReason
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import SamplingOptions
from gptcli.engine.request import Finished, Piece, Request
from gptcli.errors import ConfigError
from gptcli.tasks.config import ChatConfig, TokenBias
from gptcli.tasks.dialogue import FittedDialogue, Turn, fit
from gptcli.tasks.dialogue_formats import dialogue_format
from gptcli.tasks.events import ModelReady, Notice, Stage, TextDelta
from gptcli.tasks.locating import opened
from gptcli.tasks.sampler import sampler_of

Cancelled = Callable[[], bool]
"""Whether the answer is to end now; asked before each token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer is whole, or as much of it as there was when it was cancelled."""

    text: str
    finish_reason: FinishReason | Literal["cancelled"]
    new_tokens: int


def open_chat(config: ChatConfig) -> Generator[Stage | ModelReady | Notice, None, "Chat"]:
    """Yield how a model is opened; return the chat with it.

    Raises ModelError, DeviceError or ConfigError when there can be none.
    """
    slots = config.sampling.num_beams
    model = yield from opened(replace(config.model, batch_size=slots), partial(load_model, least_slots=slots))
    chat = Chat(config, model)
    yield Notice(text=f"seed {config.seed}", detail=True)
    yield Notice(text=f"format {chat.form.name}, {chat.form.reason}", detail=True)
    for warning in (chat.form.warning, chat.limit_warning):
        if warning is not None:
            yield Notice(text=warning)
    return chat


class Chat:
    """A model and how it answers; a conversation is a value that its caller keeps.

    Answers are counted from 0, those that were cancelled or tried again too. Number n draws the random numbers that
    `generate` draws for row n with the same seed: the same turns give the same answers, and another try another one.
    """

    def __init__(self, config: ChatConfig, model: LoadedModel) -> None:
        """Take an open model; raises ConfigError for options that do not fit it."""
        self.form = dialogue_format(model.directory, model.name, config.template)
        self.name = model.name
        self._model = model
        self._told: set[str] = set()
        self._seed, self._answers = config.seed, 0
        self.choose(config.sampling, config.logit_bias, config.seed)

    @property
    def limit_warning(self) -> str | None:
        """Say that no answer can be as long as the options allow, where that is so."""
        limit, window = self._sampler.options.token_limit(0), self._model.config.n_positions
        if limit <= window:
            return None
        return (
            f"--max-new-tokens {limit:,} is more than the window of {window:,} tokens: an answer ends where it is full"
        )

    def choose(self, options: SamplingOptions, logit_bias: TokenBias, seed: int) -> None:
        """Draw from now on with these options, from the first random numbers of the seed if that is another.

        Raises ConfigError, and leaves all as it was, for options that do not fit the model.
        """
        slots = self._model.engine.backend.slots
        if options.num_beams > slots:
            raise ConfigError(
                f"--num-beams {options.num_beams} needs more memory than was set aside: start with that option"
            )
        stops = replace(options, stop=tuple(dict.fromkeys((*options.stop, *self.form.stop))))
        self._sampler = sampler_of(self._model, stops, logit_bias)
        if seed != self._seed:
            self._seed, self._answers = seed, 0

    def answer(
        self, turns: Sequence[Turn], cancelled: Cancelled
    ) -> Generator[TextDelta | Notice | Answered, None, None]:
        """Yield the answer to the last turn piece by piece, then whole; what is dropped or cut is told once.

        Raises InputError, whose message goes behind a name for the last turn, where it is too long or is no text.
        """
        options = self._sampler.options
        limit = options.token_limit(0)
        fitted = fit(self.form, turns, self._model.tokenizer, self._model.config.n_positions, limit)
        yield from self._once(_dropped(fitted, self._model.config.n_positions))
        request = Request(
            key=self._answers,
            row=self._answers,
            prompt=fitted.prompt,
            sampler=self._sampler,
            samples=1,
            seed=self._seed,
            token_limit=min(limit, fitted.room),
            stream=options.num_beams == 1,
        )
        self._answers += 1
        prompt = turns[-1].text
        with closing(self._continued(request, cancelled)) as events:
            for event in events:
                yield TextDelta(prompt=prompt, text=event) if isinstance(event, str) else event
                if isinstance(event, Answered) and event.finish_reason == "length":
                    yield from self._once(_cut(request.token_limit, limit))

    def _continued(self, request: Request, cancelled: Cancelled) -> Generator[str | Answered, None, None]:
        """Yield pieces of an answer that can be shown, then the answer; let go of the request whatever happens."""
        engine = self._model.engine
        text = _Trimmed()
        tokens = 0
        engine.submit(request)
        try:
            while not cancelled():
                for event in engine.step():
                    piece, reason = _new_text(event, streamed=request.stream)
                    if shown := text.push(piece):
                        yield shown
                    if isinstance(event, Finished):
                        tokens = len(event.tokens)
                    if reason is not None:
                        yield Answered(text=text.whole, finish_reason=reason, new_tokens=tokens)
                        return
            yield Answered(text=text.whole, finish_reason="cancelled", new_tokens=tokens)
        finally:
            engine.cancel(request.key)

    def _once(self, notice: str | None) -> Iterator[Notice]:
        if notice is not None and notice not in self._told:
            self._told.add(notice)
            yield Notice(text=notice)


def _new_text(event: Finished | Piece, *, streamed: bool) -> tuple[str, FinishReason | None]:
    """Return the text that an event brings, and why the answer ends where it does."""
    if isinstance(event, Piece):
        return event.text, None
    return "" if streamed else event.text, event.finish_reason


def _dropped(fitted: FittedDialogue, n_positions: int) -> str | None:
    if not fitted.dropped:
        return None
    return f"the window of {n_positions:,} tokens is full: from now on the oldest turns are left out"


def _cut(given: int, wanted: int) -> str:
    if given < wanted:
        return f"an answer ends where the window is full, after {given:,} tokens"
    return f"an answer ends at --max-new-tokens {wanted:,}, perhaps in the middle of a sentence"


class _Trimmed:
    """A text that grows, without the white space at its ends."""

    def __init__(self) -> None:
        self.whole = ""
        """All that was given out."""
        self._held = ""

    def push(self, piece: str) -> str:
        """Add a piece; return what can be shown, white space only once something follows it."""
        text = self._held + piece if self.whole else piece.lstrip()
        shown = text.rstrip()
        self._held = text[len(shown) :]
        self.whole += shown
        return shown
