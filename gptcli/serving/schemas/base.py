"""What all bodies have in common: strict types, no field that nobody knows, and the fields that many share.

An unknown field is refused by name, as OpenAI refuses it: a misspelled option must not be dropped in silence. Fields of
OpenAI that change nothing here, and that its clients send on their own, are declared where they may stand.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

MOST_TEXTS = 2048
"""Texts of a request by its form, as OpenAI's; a server's settings allow fewer."""
MOST_TOP = 100
"""Alternatives beside a token: more than a person looks through."""

ModelId = Annotated[
    str | None, Field(description="A model's id, as /v1/models lists it; left out, the first that can do this.")
]
Text = Annotated[str, Field(description="The text to look at.")]
SomeText = Annotated[str, Field(min_length=1, description="The text to look at, of a token or more.")]
TokenId = Annotated[int, Field(ge=0)]
Top = Annotated[int, Field(ge=0, le=MOST_TOP, description="How many alternatives to tell of.")]
User = Annotated[str | None, Field(description="Whom the request is for: taken as OpenAI takes it, and not used.")]


class RequestBody(BaseModel):
    """A body: a JSON string is no number, true is no 1, and a field that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Answer(BaseModel):
    """What a route gives back."""

    model_config = ConfigDict(frozen=True)


class TopToken(Answer):
    """A token that might have stood there."""

    id: int
    token: str = Field(description="The token to show; bytes that are no whole character read \\xNN.")


class LoggedToken(TopToken):
    """One with the natural logarithm of its probability."""

    logprob: float


class LikelyToken(TopToken):
    """One with its probability."""

    probability: float


def _form_of(value: Any) -> str | None:
    """Return which form an input has, so that what is wrong is told of that form alone."""
    if isinstance(value, str):
        return "as_text"
    if not isinstance(value, list):
        return None
    first = value[0] if value else ""
    if isinstance(first, list):
        return "as_token_lists"
    return "as_tokens" if isinstance(first, int) and not isinstance(first, bool) else "as_texts"


Tokens = Annotated[list[TokenId], Field(min_length=1)]
TextInput = Annotated[
    Annotated[str, Tag("as_text")]
    | Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS), Tag("as_texts")]
    | Annotated[Tokens, Tag("as_tokens")]
    | Annotated[list[Tokens], Field(min_length=1, max_length=MOST_TEXTS), Tag("as_token_lists")],
    Discriminator(
        _form_of,
        custom_error_type="text_input_type",
        custom_error_message="should be a string, a list of strings, a list of token ids or a list of such lists",
    ),
]
"""A prompt as OpenAI has it: a text, several, the ids of one, or those of several."""
Texts = Annotated[
    Annotated[str, Tag("as_text")] | Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS), Tag("as_texts")],
    Discriminator(
        lambda value: "as_text" if isinstance(value, str) else "as_texts" if isinstance(value, list) else None,
        custom_error_type="texts_type",
        custom_error_message="should be a string or a list of strings",
    ),
]
"""A text, or several."""


def listed(texts: str | list[str]) -> list[str]:
    """Return one text as a list too."""
    return [texts] if isinstance(texts, str) else texts


Object = Literal["list"]
