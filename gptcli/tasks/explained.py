"""How far a model expected each token of a text, under evaluate's convention, so that the sums are equal."""

from collections.abc import Iterator
from itertools import chain, repeat

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.inspector import LoadedInspector
from gptcli.explaining.surprisal import TokenSurprisal, surprisals
from gptcli.tasks.explain_events import ExplainedText, ExplainedToken, LikelyToken
from gptcli.tasks.text_windows import WindowedText, text_spans, windowed


def explain_text(loaded: LoadedInspector, text: str, top: int) -> ExplainedText:
    """Return a text's tokens with what the model says of each, and `top` alternatives in its place.

    A text longer than the context is read in windows. Raises InputError for half of a surrogate pair, and ModelError
    for a model that predicts no number.
    """
    read = windowed(loaded.tokenizer, loaded.config, text)
    own = read.own.tolist()
    return ExplainedText(
        text=text,
        tokens=tuple(
            _explained(loaded.tokenizer, token, span, found)
            for token, span, found in zip(
                own, text_spans(loaded.tokenizer, own, text), _surprisals(loaded, read, top), strict=True
            )
        ),
    )


def _surprisals(loaded: LoadedInspector, read: WindowedText, top: int) -> Iterator[TokenSurprisal | None]:
    """Return what the model says of each of the text's own tokens; None where nothing predicts it."""
    scored = (
        surprisals(loaded.inspector, read.ids[window.begin : window.end], window.start, top) for window in read.windows
    )
    return chain(repeat(None, read.unscored), chain.from_iterable(scored))


def _explained(tokenizer: Tokenizer, token: int, span: tuple[int, int], found: TokenSurprisal | None) -> ExplainedToken:
    start, end = span
    return ExplainedToken(
        token=token,
        text=tokenizer.token_text(token),
        start=start,
        end=end,
        logprob=None if found is None else found.logprob,
        rank=None if found is None else found.rank,
        entropy=None if found is None else found.entropy,
        top=()
        if found is None
        else tuple(
            LikelyToken(token=likely, text=tokenizer.token_text(likely), logprob=logprob)
            for likely, logprob in found.top
        ),
    )
