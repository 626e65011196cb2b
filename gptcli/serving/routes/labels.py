"""POST /v1/classify: by the labels that a model was tuned on, or by any labels in words."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gptcli.serving.errors import ApiError
from gptcli.serving.labelling import ToLabel, labelled, labelled_in_words
from gptcli.serving.routes.support import answered, inspected, require_few
from gptcli.serving.schemas.base import listed
from gptcli.serving.schemas.labels import ClassifyAnswer, ClassifyBody
from gptcli.serving.served import Models, ServedClassifier, ServedLanguageModel, ServedModel
from gptcli.serving.state import State

router = APIRouter(tags=["labels"])


@router.post("/v1/classify", response_model=ClassifyAnswer)
async def classify_route(body: ClassifyBody, request: Request, state: State) -> Response:
    """Label texts."""
    texts = listed(body.input)
    require_few(len(texts), state, "input")
    model = _meant(state.models, body)
    asked = ToLabel(texts=texts, model=model.id, tokenizer=model.tokenizer)
    if isinstance(model, ServedLanguageModel):
        labels = body.labels or []
        return await inspected(request, state, model, lambda loaded: labelled_in_words(loaded, labels, asked))
    return await answered(request, state, model.labeller, lambda labeller, wanted: labelled(labeller, asked, wanted))


def _meant(models: Models, body: ClassifyBody) -> ServedModel:
    """Return the model that is to label; raises ApiError where labels and model do not go together."""
    kind = ServedClassifier if body.labels is None else ServedLanguageModel
    fitting = (model for model in models.all if isinstance(model, kind))
    model = next(fitting, models.all[0]) if body.model is None else models.named(body.model)
    if body.labels is None and isinstance(model, ServedLanguageModel):
        wrong = f"labels: is missing, and {model.id} has none of its own: give two or more to choose from"
        raise ApiError(400, wrong, param="labels", code="missing_required_parameter")
    if body.labels is not None and isinstance(model, ServedClassifier):
        told = ", ".join(model.labels.names) or "a number"
        wrong = f"labels: cannot apply, {model.id} was tuned to tell {told}: leave them out, or give a language model"
        raise ApiError(400, wrong, param="labels", code="wrong_model_kind")
    return model
