"""What an error looks like in the OpenAPI document, for every route alike."""

from typing import Any

from pydantic import Field

from gptcli.serving.schemas.base import Answer


class ErrorDetail(Answer):
    """What is wrong."""

    message: str = Field(description="A sentence for people: what is wrong, and what to do about it.")
    type: str
    param: str | None = Field(description="The field of the request that is wrong.")
    code: str | None = Field(description="A word for programs.")


class ErrorAnswer(Answer):
    """An error, in OpenAI's shape."""

    error: ErrorDetail


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "The request is wrong, or may not be answered now."},
    "5XX": {"model": ErrorAnswer, "description": "The server could not do it."},
}
