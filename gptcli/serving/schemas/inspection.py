"""Bodies of the routes that look into a model: next tokens, surprisal, attention, and the prediction of each layer."""

from typing import Annotated

from pydantic import Field

from gptcli.engine.options import SamplingOptions
from gptcli.serving.schemas.base import (
    MOST_TOP,
    Answer,
    LikelyToken,
    LoggedToken,
    ModelId,
    RequestBody,
    SomeText,
    Text,
    TokenId,
    Top,
)

_DEFAULT = SamplingOptions()


class NextBody(RequestBody):
    """Which tokens may come next, and what these options would keep of them."""

    model: ModelId = None
    text: Text
    append: list[TokenId] = Field(
        default_factory=list,
        description="Tokens that were chosen one by one behind the text: read as they are, where their text joined to "
        "the other might be cut into tokens otherwise.",
    )
    top: Annotated[int, Field(ge=1, le=MOST_TOP, description="How many of the likeliest tokens to tell of.")] = 10
    temperature: Annotated[float, Field(ge=0, le=100)] = _DEFAULT.temperature
    top_k: Annotated[int, Field(ge=0)] = _DEFAULT.top_k
    top_p: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.top_p
    min_p: Annotated[float, Field(ge=0, le=1)] = _DEFAULT.min_p
    repetition_penalty: Annotated[float, Field(gt=0)] = _DEFAULT.repetition_penalty
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] = _DEFAULT.no_repeat_ngram_size

    def options(self) -> SamplingOptions:
        """Return the options of the draw; raises ConfigError."""
        return SamplingOptions(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            no_repeat_ngram_size=self.no_repeat_ngram_size,
        )


class NextToken(LikelyToken):
    """A token that may come next."""

    text: str = Field(description="What it adds to the text: nothing for the end of the text.")
    kept_probability: float = Field(description="Its probability under the options; 0 where they drop it.")


class NextAnswer(Answer):
    """The likeliest next tokens."""

    model: str
    tokens: int = Field(description="How many tokens were read.")
    dropped: int = Field(description="Tokens at the beginning that the context has no room for: not read.")
    candidates: list[NextToken] = Field(description="The likeliest first.")
    kept: int = Field(description="How many tokens of the whole vocabulary the options keep.")
    entropy_bits: float = Field(description="Of the prediction before any option.")


class SurprisalBody(RequestBody):
    """How probable each token of a text is."""

    model: ModelId = None
    text: Text
    top: Top = 5


class SurprisalToken(Answer):
    """A token of the text, and how the model expected it."""

    id: int
    token: str
    start: int = Field(
        description="Where its text begins, in UTF-16 code units, as JavaScript counts. A character of several tokens "
        "is counted to the last of them."
    )
    end: int
    logprob: float | None = Field(description="Natural; null where nothing stands before it to predict it from.")
    bits: float | None
    rank: int | None = Field(description="1 is the likeliest.")
    entropy_bits: float | None = Field(description="How unsure the model was there.")
    top: list[LoggedToken]


class SurprisalAnswer(Answer):
    """The tokens of a text, and their sum."""

    model: str
    tokens: list[SurprisalToken]
    bits: float
    bits_per_byte: float | None = Field(description="Of UTF-8; null for an empty text.")


class AttentionBody(RequestBody):
    """What a head looks at."""

    model: ModelId = None
    text: SomeText
    layer: Annotated[int, Field(ge=0, description="From 0, as transformers' output_attentions.")]
    head: Annotated[int, Field(ge=0, description="From 0.")]


class AttentionAnswer(Answer):
    """The weights of one head: row i is where token i looks, at the tokens 0 to i; each row sums to one."""

    model: str
    tokens: list[str]
    weights: list[list[float]]


class LensBody(RequestBody):
    """What the model would predict if it ended behind each layer."""

    model: ModelId = None
    text: SomeText
    position: Annotated[int | None, Field(ge=0, description="Of a token, from 0; left out, the last.")] = None
    top: Top = 5


class LensLayer(Answer):
    """The prediction behind one layer."""

    layer: int = Field(description="0 is the embeddings.")
    top: list[LikelyToken]
    entropy_bits: float


class LensAnswer(Answer):
    """The predictions for the token behind a position."""

    model: str
    tokens: list[str]
    position: int
    layers: list[LensLayer]
