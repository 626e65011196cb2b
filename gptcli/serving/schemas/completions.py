"""Bodies of /v1/completions, as OpenAI's older interface has them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gptcli.serving.schemas.base import Answer, TextInput
from gptcli.serving.schemas.writing import MOST_LOGPROBS, Finish, Neutral, Usage, WritingBody

DEFAULT_MAX_TOKENS = 16
"""As OpenAI's."""


class CompletionBody(WritingBody):
    """Prompts, and how to continue them."""

    prompt: TextInput
    max_tokens: Annotated[
        int | None,
        Field(ge=0, description=f"{DEFAULT_MAX_TOKENS} if left out, or as many as the context has room for."),
    ] = None
    best_of: Annotated[
        int | None, Field(ge=1, description="Write so many, and return the n whose tokens are likeliest on average.")
    ] = None
    echo: Annotated[bool | None, Field(description="Give the prompt back in front of each text.")] = None
    logprobs: Annotated[
        int | None, Field(ge=0, le=MOST_LOGPROBS, description="Tell each token's, and so many alternatives.")
    ] = None
    suffix: Annotated[None, Neutral("", instead="GPT-2 was not trained to fill a gap; leave it out")] = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.stream and self.max_tokens == 0:
            raise ValueError("max_tokens: 0 does not go with stream: there is nothing to wait for")
        if self.best_of is not None and self.best_of < self.samples:
            raise ValueError(f"best_of must be n or more, {self.samples}, not {self.best_of}")
        if self.stream and self.written > self.samples:
            raise ValueError("best_of does not go with stream: which texts are best is known only when all are written")
        return self

    @property
    def written(self) -> int:
        """Return how many texts are to be written for each prompt."""
        return self.samples if self.best_of is None else self.best_of


class CompletionLogprobs(Answer):
    """The tokens of a text, each list with one entry a token."""

    tokens: list[str]
    token_logprobs: list[float | None] = Field(description="Natural; null where nothing stands before it.")
    top_logprobs: list[dict[str, float] | None] = Field(description="The likeliest tokens and the one that was taken.")
    text_offset: list[int] = Field(description="Where each token begins in the text, in characters.")


class CompletionChoice(Answer):
    """One text."""

    text: str
    index: int = Field(description="Prompts count by n: those of the second prompt begin at n.")
    logprobs: CompletionLogprobs | None
    finish_reason: Finish | None


class CompletionAnswer(Answer):
    """All texts; of a stream, some of one text."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None
