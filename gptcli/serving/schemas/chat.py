"""Bodies of /v1/chat/completions, as OpenAI has them."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from gptcli.serving.schemas.base import Answer, RequestBody
from gptcli.serving.schemas.writing import MOST_LOGPROBS, Finish, Neutral, Usage, WritingBody

MOST_MESSAGES = 2048
"""More than any window holds."""

_NO_TOOLS = "GPT-2 calls no tools; leave it out"


class TextPart(RequestBody):
    """A part of a message; pictures and sound are not read."""

    type: Literal["text"]
    text: str


Content = Annotated[
    Annotated[str, Tag("as_text")] | Annotated[list[TextPart], Field(min_length=1), Tag("as_parts")],
    Discriminator(
        lambda value: "as_text" if isinstance(value, str) else "as_parts" if isinstance(value, list) else None,
        custom_error_type="content_type",
        custom_error_message="should be a string or a list of parts of type text",
    ),
]


class Message(RequestBody):
    """What one side has said."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content
    # What OpenAI's own answers have beside it, so that an answer can be sent back as it came.
    refusal: Annotated[None, Neutral()] = None
    annotations: Annotated[None, Neutral([])] = None
    audio: Annotated[None, Neutral()] = None
    function_call: Annotated[None, Neutral(instead=_NO_TOOLS)] = None
    tool_calls: Annotated[None, Neutral([], instead=_NO_TOOLS)] = None

    @property
    def text(self) -> str:
        """Return the text of all parts."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ChatBody(WritingBody):
    """A conversation, and how to go on with it."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    max_completion_tokens: Annotated[
        int | None, Field(ge=1, description="As many as the context has room for, if left out.")
    ] = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=MOST_LOGPROBS)] = None
    tools: Annotated[None, Neutral([], instead=_NO_TOOLS)] = None
    tool_choice: Annotated[None, Neutral("none", instead=_NO_TOOLS)] = None
    parallel_tool_calls: Annotated[None, Neutral(False, instead=_NO_TOOLS)] = None
    functions: Annotated[None, Neutral([], instead=_NO_TOOLS)] = None
    function_call: Annotated[None, Neutral("none", instead=_NO_TOOLS)] = None
    response_format: Annotated[None, Neutral({"type": "text"})] = None
    modalities: Annotated[None, Neutral(["text"])] = None
    audio: Annotated[None, Neutral()] = None
    prediction: Annotated[None, Neutral()] = None
    reasoning_effort: Annotated[None, Neutral("none")] = None
    service_tier: Annotated[None, Neutral("auto", "default")] = None
    store: Annotated[None, Neutral(False, instead="nothing is stored here; leave it out")] = None
    web_search_options: Annotated[None, Neutral()] = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs goes with logprobs: true only")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise ValueError("max_tokens and max_completion_tokens mean the same: give one of them")
        return self

    @property
    def limit(self) -> int | None:
        """Return how many tokens an answer may have at most, where the request says so."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def wanted_logprobs(self) -> int | None:
        """Return how many alternatives to tell beside each token's probability; None tells neither."""
        return (self.top_logprobs or 0) if self.logprobs else None


class TopLogprob(Answer):
    """A token and the natural logarithm of its probability."""

    token: str
    logprob: float
    bytes: list[int] = Field(description="Maybe no whole character.")


class ChatLogprob(TopLogprob):
    """A token of the answer, and the likeliest in its place."""

    top_logprobs: list[TopLogprob]


class ChatLogprobs(Answer):
    """The tokens of an answer."""

    content: list[ChatLogprob]
    refusal: None = None


class AnswerMessage(Answer):
    """What the assistant says."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(Answer):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: Finish


class ChatAnswer(Answer):
    """All answers."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
