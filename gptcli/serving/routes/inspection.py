"""The routes that look into a model: POST /v1/next, /v1/attention and /v1/lens."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gptcli.serving.looking import attention, layer_predictions, next_tokens
from gptcli.serving.routes.support import inspected
from gptcli.serving.schemas.inspection import (
    AttentionAnswer,
    AttentionBody,
    LensAnswer,
    LensBody,
    NextAnswer,
    NextBody,
)
from gptcli.serving.state import State

router = APIRouter(tags=["inspection"])


@router.post("/v1/next", response_model=NextAnswer)
async def next_route(body: NextBody, request: Request, state: State) -> Response:
    """Tell the likeliest next tokens, and what sampling options would keep of them."""
    model = state.models.language_model(body.model)
    return await inspected(request, state, model, lambda loaded: next_tokens(loaded, body, model.id))


@router.post("/v1/attention", response_model=AttentionAnswer)
async def attention_route(body: AttentionBody, request: Request, state: State) -> Response:
    """Tell where one attention head looks from each token."""
    model = state.models.language_model(body.model)
    return await inspected(request, state, model, lambda loaded: attention(loaded, body, model.id))


@router.post("/v1/lens", response_model=LensAnswer)
async def lens_route(body: LensBody, request: Request, state: State) -> Response:
    """Tell what the model would predict behind each of its layers (logit lens)."""
    model = state.models.language_model(body.model)
    return await inspected(request, state, model, lambda loaded: layer_predictions(loaded, body, model.id))
