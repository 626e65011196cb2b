"""The surprisal of a text for one request, in the thread that owns the model's inspector."""

import math
from itertools import accumulate

from gptcli.engine.inspector import LoadedInspector
from gptcli.serving.errors import about
from gptcli.serving.limits import require_few_alternatives
from gptcli.serving.looking import require_fits, require_near
from gptcli.serving.schemas.base import LoggedToken
from gptcli.serving.schemas.inspection import SurprisalAnswer, SurprisalBody, SurprisalToken
from gptcli.tasks.explain_events import ExplainedToken
from gptcli.tasks.explained import explain_text

MOST_TOKENS = 16_384
"""Of a text: some ten pages, and seconds of GPT-2 on two cores."""
_FIRST_ASTRAL = 0x10000
"""From this character on UTF-16 takes two units."""


def surprisal(loaded: LoadedInspector, body: SurprisalBody, model: str) -> SurprisalAnswer:
    """Return how far each token was expected; raises ApiError for a text that would take too long."""
    text = body.text
    require_near(loaded.tokenizer, text, MOST_TOKENS, "text")
    with about("text"):
        tokens = require_fits(loaded.tokenizer.encode_batch([text])[0], MOST_TOKENS, "text")
        require_few_alternatives(body.top, len(tokens), "top", "shorten the text")
        explained = explain_text(loaded, text, body.top)
    units = [0, *accumulate(1 + (ord(character) >= _FIRST_ASTRAL) for character in text)]
    return SurprisalAnswer(
        model=model,
        tokens=[_token(token, units[token.start], units[token.end]) for token in explained.tokens],
        bits=explained.figures.total,
        bits_per_byte=explained.figures.bits_per_byte,
    )


def _token(token: ExplainedToken, start: int, end: int) -> SurprisalToken:
    """Return a token at its place in UTF-16."""
    return SurprisalToken(
        id=token.token,
        token=token.text,
        start=start,
        end=end,
        logprob=token.logprob,
        bits=token.bits,
        rank=token.rank,
        entropy_bits=None if token.entropy is None else token.entropy / math.log(2),
        top=[LoggedToken(id=other.token, token=other.text, logprob=other.logprob) for other in token.top],
    )
