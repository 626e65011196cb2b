"""Bodies of /v1/embeddings, as OpenAI has them."""

from typing import Annotated, Literal

from pydantic import Field

from gptcli.serving.schemas.base import Answer, ModelId, Object, RequestBody, TextInput, User

EncodingFormat = Literal["float", "base64"]


class EmbeddingsBody(RequestBody):
    """Texts whose meaning is wanted as numbers."""

    model: ModelId = None
    input: TextInput
    encoding_format: Annotated[
        EncodingFormat, Field(description="base64 is of 32-bit floats, little-endian; the openai client asks for it.")
    ] = "float"
    dimensions: Annotated[
        int | None, Field(ge=1, description="As many as the model has: a GPT-2 was not trained to be cut.")
    ] = None
    user: User = None


class Embedding(Answer):
    """The numbers of one text."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(Answer):
    """What was read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(Answer):
    """An embedding a text, in their order."""

    object: Object = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
