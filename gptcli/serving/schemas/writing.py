"""What the bodies of /v1/completions and /v1/chat/completions have in common.

What is left out, or null, has the default of SamplingOptions; the ranges are its own too, and stand here for the
OpenAPI document.
"""

from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import core_schema

from gptcli.engine.options import SamplingOptions
from gptcli.serving.schemas.base import Answer, ModelId, RequestBody, User

MOST_STOPS = 4
"""As OpenAI's."""
MOST_STOP_CHARACTERS = 256
"""Of a stop text: it is looked for at each token, and its beginning held back from a stream."""
MOST_BIASED = 300
"""Tokens of a logit_bias, as OpenAI's: the sums are taken one by one at each token that is written."""
MOST_BIAS = 100
"""As OpenAI's: -100 forbids a token, and 100 leaves no other."""
MOST_LOGPROBS = 20
"""As OpenAI's top_logprobs."""

Finish = Literal["stop", "length"]
"""stop is a stop text or the model's own end of the text."""
_OPTIONS = frozenset(field.name for field in fields(SamplingOptions))


class Neutral:
    """Annotates a field of OpenAI's that GPT-2 has no use for: it may be null or one of the values that change nothing.

    Any other is refused by name, and never passed over in silence.
    """

    def __init__(self, *values: object, instead: str = "leave it out") -> None:
        self._values = (None, *values)
        self._instead = instead

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Return the check."""
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, schema: object, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return what the OpenAPI document says."""
        return {"enum": list(self._values)}

    def _check(self, value: object) -> None:
        if value not in self._values:
            raise ValueError(f"is not supported here: {self._instead}")


def _as_list(value: object) -> object:
    """Take one text for a list of it."""
    return [value] if isinstance(value, str) else value


StopText = Annotated[str, Field(min_length=1, max_length=MOST_STOP_CHARACTERS)]
StopTexts = Annotated[list[StopText], Field(max_length=MOST_STOPS)]
TokenNumber = Annotated[str, Field(pattern="^[0-9]{1,9}$")]
"""A token's id as the key of a JSON object."""
Bias = Annotated[float, Field(ge=-MOST_BIAS, le=MOST_BIAS)]


class StreamOptions(RequestBody):
    """What a stream tells besides text."""

    include_usage: bool = False


class WritingBody(RequestBody):
    """How to write on, however the prompt is given."""

    model: ModelId = None
    n: Annotated[int | None, Field(ge=1, description="Texts for each prompt.")] = None
    seed: Annotated[
        int | None,
        Field(ge=-(2**63), lt=2**63, description="The same seed gives the same text; a random one if left out."),
    ] = None
    temperature: Annotated[float | None, Field(ge=0, description="0 is greedy.")] = None
    top_k: Annotated[int | None, Field(ge=0, description="Keep the k likeliest tokens; 0 keeps all.")] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    repetition_penalty: Annotated[float | None, Field(gt=0)] = None
    no_repeat_ngram_size: Annotated[int | None, Field(ge=0)] = None
    logit_bias: Annotated[
        dict[TokenNumber, Bias] | None,
        Field(max_length=MOST_BIASED, description="Added to the logits of tokens, by their ids."),
    ] = None
    stop: Annotated[StopTexts | None, BeforeValidator(_as_list, json_schema_input_type=StopText | StopTexts | None)] = (
        None
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: User = None
    presence_penalty: Annotated[None, Neutral(0, instead="use repetition_penalty")] = None
    frequency_penalty: Annotated[None, Neutral(0, instead="use repetition_penalty")] = None

    @model_validator(mode="after")
    def _check_stream_options(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options goes with stream: true only")
        return self

    @property
    def samples(self) -> int:
        """Return how many texts are wanted for each prompt."""
        return 1 if self.n is None else self.n

    @property
    def tells_usage(self) -> bool:
        """Return whether the last event of a stream counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage

    def options(self, *, logprobs: int | None, stop: tuple[str, ...] = ()) -> SamplingOptions:
        """Return what is drawn from, with stop texts besides those of the request; raises ConfigError.

        The number of tokens is not among it, so that requests that differ in nothing else choose together.
        """
        bias = tuple((int(token), value) for token, value in (self.logit_bias or {}).items())
        given = {
            name: value
            for name in _OPTIONS & type(self).model_fields.keys()
            if (value := getattr(self, name)) is not None
        }
        stops = (*stop, *(self.stop or ()))
        return SamplingOptions(**{**given, "stop": stops, "logit_bias": bias, "logprobs": logprobs})


class Usage(Answer):
    """How many tokens were read and written; an end-of-text token counts among those written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
