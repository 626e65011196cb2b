"""Answers of /v1/models and /health."""

from typing import Literal

from pydantic import Field

from gptcli.serving.schemas.base import Answer, Object


class ModelCard(Answer):
    """A model that is served: OpenAI's fields, and what the playground must know."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When it was opened, in seconds since 1970.")
    owned_by: Literal["gptcli"] = "gptcli"
    kind: Literal["language-model", "classifier"]
    context: int = Field(description="How many tokens it reads at once.")
    layers: int
    heads: int = Field(description="Attention heads of a layer.")
    vocabulary: int
    labels: list[str] | None = Field(description="Those that a classifier tells; none of one for numbers.")
    label_kind: Literal["single", "multi", "regression"] | None
    dialogue: str | None = Field(description="How a language model's conversations are written.")


class ModelList(Answer):
    """All models, the one first that is meant where a request names none."""

    object: Object = "list"
    data: list[ModelCard]


class Health(Answer):
    """Whether the server takes requests."""

    status: Literal["ok", "stopping"]
