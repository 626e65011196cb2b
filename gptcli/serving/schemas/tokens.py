"""Bodies of /v1/tokenize and /v1/detokenize."""

from typing import Annotated

from pydantic import Field

from gptcli.serving.schemas.base import Answer, ModelId, RequestBody, Text, TokenId, TopToken


class TokenizeBody(RequestBody):
    """A text to cut into tokens."""

    model: ModelId = None
    text: Text


class TokenizeAnswer(Answer):
    """The tokens of a text."""

    model: str
    tokens: list[TopToken]
    count: int


class DetokenizeBody(RequestBody):
    """Tokens to put together."""

    model: ModelId = None
    tokens: Annotated[list[TokenId], Field(description="Ids of the model's vocabulary.")]


class DetokenizeAnswer(Answer):
    """The text of tokens; bytes that are no character are U+FFFD."""

    model: str
    text: str
