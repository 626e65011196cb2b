"""Tokenize what is read and what may follow it, and fit both into the window: as lm-evaluation-harness does."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores, Span, load_scorer
from gptcli.errors import InputError
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Event, ModelReady, Notice, Place, RowDone, RowFailed, Stage
from gptcli.tasks.locating import loading
from gptcli.tasks.windows import beginning


def likelihoods(
    located: Located,
    model: ModelOptions,
    *,
    items: Callable[["Continuations"], Iterable[Item | RowFailed]],
    take: Callable[[ItemScores], None],
) -> Generator[Event, None, None]:
    """Yield what happens while a model scores the items made of its tokens, and have each one's scores taken, in order.

    Raises ModelError, DeviceError or ConfigError.
    """
    yield loading(located, model)
    loaded = load_scorer(located, model)
    yield ModelReady(directory=str(loaded.directory.resolve()), dtype=loaded.dtype)
    yield Notice(text=loaded.description, detail=True)
    yield Stage(text="scoring")
    texts = Continuations(loaded.tokenizer, loaded.config)
    for item in scores_in_order(loaded.scorer, items(texts), most_rows=loaded.most_rows):
        if isinstance(item, ItemScores):
            take(item)
            yield RowDone(index=item.key)
        else:
            yield item
    yield from texts.notices()


class Continuations:
    """The texts of one run on their way to one model; what was cut is counted."""

    def __init__(self, tokenizer: Tokenizer, config: ModelConfig) -> None:
        self._tokenizer = tokenizer
        self._size = config.n_positions + 1  # the last token is predicted, and never read
        self._begin = beginning(config)
        self._cuts = Cuts()

    def spans(self, place: Place, context: str, continuations: Sequence[str]) -> tuple[Span, ...]:
        """Return the tokens of a context with each continuation, of which those of the continuation are scored.

        White space at the context's end counts to the continuation, where GPT-2's tokens have it. Raises InputError,
        whose message goes behind the row's origin, where a continuation has no tokens or does not fit.
        """
        bare = context.rstrip()
        wholes = [context + continuation for continuation in continuations]
        known, *encoded = self._tokenizer.encode_batch([bare, *wholes])
        read = known or [self._beginning(place)]
        scored = [ids[len(known) :] for ids in encoded]
        return tuple(self._span(place, [*read, *ids], len(ids)) for ids in scored)

    def last_token(self, place: Place, text: str) -> Span:
        """Return the tokens of a text, of which the last one is scored; raises InputError where there is but one."""
        (tokens,) = self._tokenizer.encode_batch([text])
        if len(tokens) < 2:
            raise InputError("has one token: there is nothing to predict it from")
        return self._span(place, tokens, 1)

    def count(self, text: str, place: Place) -> None:
        """Count another cut that was made."""
        self._cuts.count(text, place)

    def notices(self) -> Iterator[Notice]:
        """Return a sentence for each kind of cut that was made."""
        return self._cuts.notices()

    def _span(self, place: Place, tokens: Sequence[int], scored: int) -> Span:
        """Return a span of tokens of which the last ones are scored, their beginning cut to fit."""
        if not scored:
            raise InputError("has an ending that adds no token to what stands before it")
        if scored >= self._size:
            raise InputError(f"has {scored:,} tokens to predict, the context holds {self._size - 1:,}: shorten the row")
        if len(tokens) > self._size:
            text = f"texts longer than the context of {self._size - 1:,} tokens, whose beginning is not read"
            self._cuts.count(text, place)
        kept = np.array(tokens[-self._size :], np.int32)
        return Span(tokens=kept, start=len(kept) - scored)

    def _beginning(self, place: Place) -> int:
        """Return the token from which an empty context goes on."""
        if self._begin is None:
            raise InputError("has nothing to read, and this model has no beginning-of-text token")
        self._cuts.count("empty contexts, continued from the beginning-of-text token", place)
        return self._begin
