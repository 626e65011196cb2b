"""GET /v1/models, /health and /metrics: what is here, and how it does."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from gptcli.serving.metrics import CONTENT_TYPE
from gptcli.serving.schemas.models import Health, ModelCard, ModelList
from gptcli.serving.served import ServedLanguageModel, ServedModel
from gptcli.serving.state import State

router = APIRouter(tags=["server"])


@router.get("/v1/models")
async def models_route(state: State) -> ModelList:
    """List the models; the first is meant where a request names none."""
    return ModelList(data=[_card(model) for model in state.models.all])


@router.get("/v1/models/{model:path}")
async def model_route(model: str, state: State) -> ModelCard:
    """Tell of one model."""
    return _card(state.models.named(model))


@router.get("/health", response_model=Health, responses={503: {"model": Health, "description": "It is ending."}})
async def health_route(state: State) -> Response:
    """Tell whether the server takes requests: 200 while it does, 503 once it is ending."""
    stopping = state.drain.has_begun
    return JSONResponse({"status": "stopping" if stopping else "ok"}, 503 if stopping else 200)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics_route(state: State) -> Response:
    """Tell all figures in Prometheus's text format."""
    return Response(state.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _card(model: ServedModel) -> ModelCard:
    """Return what is told of a model."""
    writes = isinstance(model, ServedLanguageModel)
    return ModelCard(
        id=model.id,
        created=model.created,
        kind="language-model" if writes else "classifier",
        context=model.config.n_positions,
        layers=model.config.n_layer,
        heads=model.config.n_head,
        vocabulary=model.config.vocab_size,
        labels=None if isinstance(model, ServedLanguageModel) else list(model.labels.names),
        label_kind=None if isinstance(model, ServedLanguageModel) else model.labels.kind,
        dialogue=model.dialogue.name if isinstance(model, ServedLanguageModel) else None,
    )
