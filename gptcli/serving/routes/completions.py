"""POST /v1/completions, as OpenAI's older interface has it.

The samples of the prompt with number i are those of row i of `gptcli generate --template none` with the same options
and seed, byte for byte.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, Request, Response

from gptcli.engine.inspector import LoadedInspector
from gptcli.engine.request import Request as EngineRequest
from gptcli.engine.request import TokenScore
from gptcli.explaining.surprisal import surprisals
from gptcli.serving.answering import streamed, whole
from gptcli.serving.completion_shape import CompletionShape, Scores
from gptcli.serving.limits import require_few_alternatives
from gptcli.serving.observation import Observation
from gptcli.serving.responses import STREAMED, EventStream, answered
from gptcli.serving.schemas.base import TextInput
from gptcli.serving.schemas.completions import DEFAULT_MAX_TOKENS, CompletionAnswer, CompletionBody
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.state import ServerState, State
from gptcli.serving.token_lists import Unscored
from gptcli.serving.writing import (
    Order,
    Prompt,
    engine_requests,
    most_tokens,
    refuse_too_many,
    text_prompts,
    token_prompt,
)

router = APIRouter(tags=["text"])


@router.post("/v1/completions", response_model=CompletionAnswer, responses=STREAMED)
async def complete(body: CompletionBody, request: Request, state: State) -> Response:
    """Continue one or more prompts."""
    model = state.models.language_model(body.model)
    observation = Observation(state.metrics, model.id)
    job = await _job(body, model, state)
    observation.prompt_tokens = sum(len(prompt.tokens) for prompt in job.prompts)
    seconds = state.settings.timeout_seconds
    if body.stream:
        return EventStream(seconds, observation, job.streamed(observation))
    return await answered(request, seconds, observation, job.whole(observation))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What one request asks for, checked and tokenized."""

    model: ServedLanguageModel
    body: CompletionBody
    prompts: tuple[Prompt, ...]
    requests: tuple[EngineRequest, ...]
    """One for each prompt, or none at all where max_tokens is 0."""

    async def whole(self, observation: Observation) -> bytes:
        """Return the answer when all is written."""
        return await whole(self.model.worker, self.requests, await self._shape(), observation)

    async def streamed(self, observation: Observation) -> AsyncGenerator[bytes]:
        """Yield the answer as it is written."""
        shape = await self._shape()
        async with aclosing(streamed(self.model.worker, self.requests, shape, observation)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _shape(self) -> CompletionShape:
        scores: list[Scores] = []
        if self.body.echo and self.body.logprobs is not None:
            scores = [await _scores(self.model, prompt, self.body.logprobs) for prompt in self.prompts]
        return CompletionShape(self.model, self.body, self.prompts, scores)


async def _job(body: CompletionBody, model: ServedLanguageModel, state: ServerState) -> _Job:
    """Check and tokenize what a body asks for; raises ApiError 400."""
    texts = body.prompt if isinstance(body.prompt, list) and not isinstance(body.prompt[0], int) else [body.prompt]
    refuse_too_many(model, state.settings, len(texts), body.written)
    prompts = await _prompts(model, body.prompt)
    order = Order(
        options=body.options(logprobs=body.logprobs),
        samples=body.written,
        seed=body.seed,
        max_tokens=body.max_tokens,
        max_tokens_field="max_tokens",
        default_tokens=DEFAULT_MAX_TOKENS,
        stream=bool(body.stream),
    )
    requests = () if body.max_tokens == 0 else engine_requests(model, state.settings, prompts, order)
    echoed = body.samples * sum(len(prompt.tokens) for prompt in prompts) if body.echo else 0
    tokens = echoed + most_tokens(requests)
    require_few_alternatives(body.logprobs or 0, tokens, "logprobs", "for fewer texts or tokens")
    return _Job(model=model, body=body, prompts=prompts, requests=requests)


async def _prompts(model: ServedLanguageModel, given: TextInput) -> tuple[Prompt, ...]:
    """Return the prompts, in whichever of the four forms they are."""
    if isinstance(given, str):
        return await text_prompts(model, [given], "prompt")
    texts = [item for item in given if isinstance(item, str)]
    if texts:
        return await text_prompts(model, texts, "prompt")
    tokens = [item for item in given if isinstance(item, int)]
    if tokens:
        return (token_prompt(model, tokens, "prompt"),)
    lists = [item for item in given if isinstance(item, list)]
    return tuple(token_prompt(model, item, f"prompt[{number}]") for number, item in enumerate(lists))


async def _scores(model: ServedLanguageModel, prompt: Prompt, top: int) -> Scores:
    """Return how likely each token of a prompt was; a call for each, so that others have their turn in between."""
    if prompt.is_empty:
        return ()

    def scored(loaded: LoadedInspector) -> Sequence[TokenScore | Unscored]:
        tokens = np.array(prompt.tokens, np.int32)
        known = surprisals(loaded.inspector, tokens, 1, top)
        behind = [TokenScore(token=one.token, logprob=one.logprob, top=one.top) for one in known]
        return (Unscored(token=prompt.tokens[0]), *behind)

    return await model.inspector.run(scored)
