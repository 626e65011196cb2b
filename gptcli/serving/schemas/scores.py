"""Bodies of /v1/score."""

from typing import Annotated

from pydantic import Field

from gptcli.serving.schemas.base import Answer, ModelId, Object, RequestBody, Texts


class ScoreBody(RequestBody):
    """Texts whose probability is wanted, or that of what may follow them."""

    model: ModelId = None
    text: Texts
    continuation: Annotated[
        Texts | None,
        Field(description="What may stand behind the text: each with each text is scored, the text alone is given."),
    ] = None


class Score(Answer):
    """The log-likelihood of one text, or of one continuation behind it."""

    index: int = Field(description="The text's.")
    continuation: int | None = Field(description="The continuation's; null of a text alone.")
    logprob: float = Field(description="The sum of the natural logarithms of its tokens' probabilities.")
    tokens: int = Field(description="How many these are.")
    is_greedy: bool = Field(description="Whether each of them is the likeliest, so that a greedy draw writes it.")


class ScoreAnswer(Answer):
    """A score a text, or a text and continuation, in their order."""

    object: Object = "list"
    model: str
    data: list[Score]
