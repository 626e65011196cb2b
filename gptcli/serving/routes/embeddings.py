"""POST /v1/embeddings, as OpenAI has it: the mean of a language model's last hidden states."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gptcli.serving.looking import embeddings, inputs_of
from gptcli.serving.routes.support import inspected, require_few
from gptcli.serving.schemas.embeddings import EmbeddingsAnswer, EmbeddingsBody
from gptcli.serving.state import State

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/embeddings", response_model=EmbeddingsAnswer)
async def embeddings_route(body: EmbeddingsBody, request: Request, state: State) -> Response:
    """Tell the mean over each text's tokens of the model's final states."""
    model = state.models.language_model(body.model)
    require_few(len(inputs_of(body.input)), state, "input")
    return await inspected(request, state, model, lambda loaded: embeddings(loaded, body, model.id))
