"""Bodies of /v1/classify."""

from typing import Annotated, Literal

from pydantic import Field

from gptcli.serving.schemas.base import Answer, ModelId, Object, RequestBody, Texts

MOST_LABELS = 64
"""Labels of a request: each is read behind each text."""
MOST_LABEL_CHARACTERS = 256
"""Of a label: a name, or a few words."""


class ClassifyBody(RequestBody):
    """Texts to label."""

    model: ModelId = None
    input: Texts
    labels: Annotated[
        list[Annotated[str, Field(max_length=MOST_LABEL_CHARACTERS)]] | None,
        Field(
            min_length=2,
            max_length=MOST_LABELS,
            description="Labels in words, among which a language model chooses without training; left out, the "
            "labels that the model was tuned on.",
        ),
    ] = None


class Classification(Answer):
    """What the model says about one text."""

    index: int
    label: str | None = Field(description="The likeliest; null where the model's labels do not exclude each other.")
    labels: list[str] = Field(description="All that are given: those of a probability of 0.5, where several may apply.")
    probabilities: dict[str, float] = Field(description="Of every label, in the model's order.")
    value: float | None = Field(description="What a model for numbers says.")
    tokens: int = Field(description="How many were read.")


class ClassifyAnswer(Answer):
    """A classification a text, in their order."""

    object: Object = "list"
    model: str
    kind: Literal["single", "multi", "regression"]
    data: list[Classification]
