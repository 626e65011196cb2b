"""POST /v1/tokenize and /v1/detokenize: between text and the tokens of a model."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response

from gptcli.serving.errors import about
from gptcli.serving.limits import require_few_characters, require_few_listed
from gptcli.serving.looking import require_known
from gptcli.serving.schemas.base import TopToken
from gptcli.serving.schemas.tokens import DetokenizeAnswer, DetokenizeBody, TokenizeAnswer, TokenizeBody
from gptcli.serving.served import ServedModel
from gptcli.serving.state import State

router = APIRouter(tags=["tokens"])


@router.post("/v1/tokenize", response_model=TokenizeAnswer)
async def tokenize_route(body: TokenizeBody, state: State) -> Response:
    """Cut a text into a model's tokens."""
    model = state.models.named(body.model)
    require_few_characters(body.text, "text")
    # Such a text takes a second or two; in a thread of its own nobody else waits for it.
    return Response(await asyncio.to_thread(_tokenized, model, body.text), media_type="application/json")


@router.post("/v1/detokenize")
async def detokenize_route(body: DetokenizeBody, state: State) -> DetokenizeAnswer:
    """Put tokens together to a text."""
    model = state.models.named(body.model)
    require_few_listed(len(body.tokens), "tokens")
    require_known(body.tokens, model.config, "tokens")
    text = await asyncio.to_thread(model.tokenizer.decode, body.tokens)
    return DetokenizeAnswer(model=model.id, text=text)


def _tokenized(model: ServedModel, text: str) -> str:
    """Return the tokens of a text as JSON; raises ApiError for half of a surrogate pair."""
    with about("text"):
        ids = model.tokenizer.encode(text)
    tokens = [TopToken(id=token, token=model.tokenizer.token_text(token)) for token in ids]
    return TokenizeAnswer(model=model.id, tokens=tokens, count=len(tokens)).model_dump_json()
