"""POST /v1/score: the log-likelihood of texts, and of what may follow them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gptcli.serving.routes.support import inspected, require_few
from gptcli.serving.schemas.base import listed
from gptcli.serving.schemas.scores import ScoreAnswer, ScoreBody
from gptcli.serving.scoring import scores
from gptcli.serving.state import State

router = APIRouter(tags=["scores"])


@router.post("/v1/score", response_model=ScoreAnswer)
async def score_route(body: ScoreBody, request: Request, state: State) -> Response:
    """Tell how probable texts are, or continuations behind them."""
    model = state.models.language_model(body.model)
    texts, continuations = len(listed(body.text)), len(listed(body.continuation or ""))
    require_few(texts * continuations, state, "text")
    return await inspected(request, state, model, lambda loaded: scores(loaded, body, model.id))
