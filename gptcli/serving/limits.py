"""The bounds of one request that no setting changes; what goes beyond is refused by the name of its field."""

from gptcli.data.words import counted
from gptcli.serving.errors import ApiError

MOST_CHARACTERS = 262_144
"""Of a text that is not read in windows: each may be a token or more, and takes a kilobyte of memory on its way."""
MOST_LISTED = 262_144
"""Tokens to put together to a text."""
MOST_ALTERNATIVES = 163_840
"""Beside all tokens of an answer: each takes a kilobyte of memory on its way."""


def require_few_characters(text: str, param: str) -> None:
    """Raise ApiError for a text that takes seconds and much memory to cut into tokens."""
    if len(text) > MOST_CHARACTERS:
        raise _excess(f"{param}: has {len(text):,} characters, and may have {MOST_CHARACTERS:,}: send less", param)


def require_few_listed(tokens: int, param: str) -> None:
    """Raise ApiError for more tokens than are put together at once."""
    if tokens > MOST_LISTED:
        raise _excess(f"{param}: has {tokens:,} tokens, and may have {MOST_LISTED:,}: send them in parts", param)


def require_few_alternatives(top: int, tokens: int, param: str, instead: str) -> None:
    """Raise ApiError for too many alternatives, top beside each token; instead says what else would do."""
    if top * tokens > MOST_ALTERNATIVES:
        few = MOST_ALTERNATIVES // tokens
        wrong = f"{param}: {top} beside each of {counted(tokens, 'token')} are too many: ask for {few}, or {instead}"
        raise _excess(wrong, param)


def _excess(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param, code="limit_exceeded")
