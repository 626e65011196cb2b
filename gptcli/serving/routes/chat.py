"""POST /v1/chat/completions, as OpenAI has it: the next answer of a conversation in the model's own format."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from gptcli.serving.answering import streamed, whole
from gptcli.serving.chat_shape import ChatShape
from gptcli.serving.errors import about
from gptcli.serving.limits import require_few_alternatives
from gptcli.serving.observation import Observation
from gptcli.serving.responses import STREAMED, EventStream, answered
from gptcli.serving.schemas.chat import ChatAnswer, ChatBody, Message
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.state import State
from gptcli.serving.writing import (
    Order,
    Prompt,
    engine_requests,
    fitting,
    most_tokens,
    read_apart,
    refuse_too_many,
    require_near,
)
from gptcli.tasks.dialogue import Role, Turn

router = APIRouter(tags=["text"])

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


@router.post("/v1/chat/completions", response_model=ChatAnswer, responses=STREAMED)
async def chat(body: ChatBody, request: Request, state: State) -> Response:
    """Answer the last message; one of the assistant's is continued."""
    model = state.models.language_model(body.model)
    observation = Observation(state.metrics, model.id)
    refuse_too_many(model, state.settings, 1, body.samples)
    prompt = await _prompt(model, body.messages)
    observation.prompt_tokens = len(prompt.tokens)
    order = Order(
        options=body.options(logprobs=body.wanted_logprobs, stop=model.dialogue.stop),
        samples=body.samples,
        seed=body.seed,
        max_tokens=body.limit,
        max_tokens_field="max_completion_tokens" if body.max_tokens is None else "max_tokens",
        default_tokens=None,
        stream=bool(body.stream),
    )
    requests = engine_requests(model, state.settings, (prompt,), order)
    require_few_alternatives(body.wanted_logprobs or 0, most_tokens(requests), "top_logprobs", "for fewer tokens")
    shape = ChatShape(model, body, prompt)
    seconds = state.settings.timeout_seconds
    if body.stream:
        return EventStream(seconds, observation, streamed(model.worker, requests, shape, observation))
    return await answered(request, seconds, observation, whole(model.worker, requests, shape, observation))


async def _prompt(model: ServedLanguageModel, messages: Sequence[Message]) -> Prompt:
    """Return the conversation as the model reads it; raises ApiError 400 for one that the context does not hold.

    No message is left out to make room: whoever keeps the conversation decides which.
    """
    turns = [Turn(role=_ROLES[message.role], text=message.text) for message in messages]
    text = "".join(turn.text for turn in turns)  # at least as many tokens as it surely has
    require_near(model, text, "messages")

    def read() -> Prompt:
        with about("messages"):
            return Prompt(tokens=tuple(model.dialogue.tokens(turns, model.tokenizer)), text="")

    return fitting(model, await read_apart(len(text), read), "messages")
