"""POST /v1/surprisal: how far a model expected each token of a text."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gptcli.serving.routes.support import inspected
from gptcli.serving.schemas.inspection import SurprisalAnswer, SurprisalBody
from gptcli.serving.state import State
from gptcli.serving.surprisal import surprisal

router = APIRouter(tags=["inspection"])


@router.post("/v1/surprisal", response_model=SurprisalAnswer)
async def surprisal_route(body: SurprisalBody, request: Request, state: State) -> Response:
    """Tell how probable each token of a text is, and what was expected instead."""
    model = state.models.language_model(body.model)
    return await inspected(request, state, model, lambda loaded: surprisal(loaded, body, model.id))
