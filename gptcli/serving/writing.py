"""From what a request asks to be written to requests of the engine, within the limits of the window and the server."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gptcli.checkpoint.tokenizer import LONG_TEXT
from gptcli.data.words import counted
from gptcli.engine.options import SamplingOptions
from gptcli.engine.request import Request
from gptcli.serving.errors import ApiError, about
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.settings import ServeSettings
from gptcli.tasks.windows import beginning

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is continued."""

    tokens: tuple[int, ...]
    """What the model reads: at least one."""
    text: str
    is_empty: bool = False
    """Whether the tokens are only the beginning from which an empty prompt goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How prompts are to be continued."""

    options: SamplingOptions
    samples: int
    """Texts for each prompt."""
    seed: int | None
    max_tokens: int | None
    max_tokens_field: str
    """What the request calls it."""
    default_tokens: int | None
    """The limit where max_tokens is None, as far as there is room; None is all the room there is."""
    stream: bool


def refuse_too_many(model: ServedLanguageModel, settings: ServeSettings, prompts: int, samples: int) -> None:
    """Raise ApiError 400 for more texts than the server writes at once."""
    if prompts > settings.max_prompts:
        wrong = f"{counted(prompts, 'prompt')} are too many at once: this server takes {settings.max_prompts:,}"
        raise _excess(wrong, "prompt")
    if samples > settings.max_samples:
        raise _excess(f"{samples:,} texts a prompt are too many: this server writes {settings.max_samples:,}", "n")
    if prompts * samples > model.worker.most_sequences:
        each = " each" if prompts > 1 else ""
        wrong = f"{counted(prompts, 'prompt')} with {counted(samples, 'text')}{each} are {prompts * samples:,} at once"
        raise _excess(f"{wrong}: this server writes and queues {model.worker.most_sequences:,}", "n")


async def text_prompts(model: ServedLanguageModel, texts: Sequence[str], param: str) -> tuple[Prompt, ...]:
    """Return prompts that are texts; raises ApiError 400, which names the field param or its item."""
    names = [param] if len(texts) == 1 else [f"{param}[{number}]" for number in range(len(texts))]
    for text, name in zip(texts, names, strict=True):
        require_near(model, text, name)
    return await read_apart(sum(map(len, texts)), partial(_read, model, texts, names))


def token_prompt(model: ServedLanguageModel, tokens: Sequence[int], param: str) -> Prompt:
    """Return a prompt that is given in tokens; raises ApiError 400."""
    wrong = next((token for token in tokens if not 0 <= token < model.config.vocab_size), None)
    if wrong is not None:
        raise ApiError(
            400,
            f"{param} has the token {wrong}: the ids of {model.id} are below {model.config.vocab_size}",
            param=param,
        )
    if len(tokens) > model.config.n_positions:
        raise _too_long(model, f"{len(tokens):,}", param)
    return Prompt(tokens=tuple(tokens), text=model.tokenizer.decode(tokens))


def engine_requests(
    model: ServedLanguageModel, settings: ServeSettings, prompts: Sequence[Prompt], order: Order
) -> tuple[Request, ...]:
    """Return a request a prompt, which is a row of generate's; raises ApiError 400 for too many tokens."""
    limits = [_token_limit(model, prompt, order) for prompt in prompts]
    wanted = order.samples * sum(limits)
    if wanted > settings.max_new_tokens:
        raise _excess(
            f"up to {wanted:,} tokens are too many for one request: this server writes {settings.max_new_tokens:,}; "
            f"ask for fewer texts, or set {order.max_tokens_field}",
            order.max_tokens_field,
        )
    unknown = next((token for token, _ in order.options.logit_bias if token >= model.config.vocab_size), None)
    if unknown is not None:
        raise ApiError(
            400, f"logit_bias {unknown}: the ids of {model.id} are below {model.config.vocab_size}", param="logit_bias"
        )
    sampler = model.samplers.of(order.options)
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    return tuple(
        Request(
            key=row,
            row=row,
            prompt=prompt.tokens,
            sampler=sampler,
            samples=order.samples,
            seed=seed,
            token_limit=limit,
            stream=order.stream,
        )
        for row, (prompt, limit) in enumerate(zip(prompts, limits, strict=True))
    )


def most_tokens(requests: Sequence[Request]) -> int:
    """Return how many tokens may be written in all."""
    return sum(request.samples * request.token_limit for request in requests)


async def read_apart(characters: int, read: Callable[[], Result]) -> Result:
    """Return what read makes of a text of so many characters, a long one in a thread: it keeps nobody else waiting."""
    return await asyncio.to_thread(read) if characters > LONG_TEXT else read()


def require_near(model: ServedLanguageModel, text: str, param: str) -> None:
    """Raise ApiError for a text so much too long that counting its tokens takes seconds and much memory."""
    least = model.tokenizer.least_tokens(text)
    if least > model.config.n_positions:
        raise _too_long(model, f"at least {least:,}", param)


def fitting(model: ServedLanguageModel, prompt: Prompt, param: str) -> Prompt:
    """Return a prompt that fits into the context, an empty one from the token where texts begin."""
    if len(prompt.tokens) > model.config.n_positions:
        raise _too_long(model, f"{len(prompt.tokens):,}", param)
    if prompt.tokens:
        return prompt
    begin = beginning(model.config)
    if begin is None:
        raise ApiError(400, f"{param} is empty, and {model.id} has no beginning-of-text token", param=param)
    return Prompt(tokens=(begin,), text=prompt.text, is_empty=True)


def _too_long(model: ServedLanguageModel, tokens: str, param: str) -> ApiError:
    """Return the error of a prompt that the context does not hold."""
    return ApiError(
        400,
        f"{param} has {tokens} tokens, and the context of {model.id} holds {model.config.n_positions:,}: shorten it",
        param=param,
        code="context_length_exceeded",
    )


def _read(model: ServedLanguageModel, texts: Sequence[str], names: Sequence[str]) -> tuple[Prompt, ...]:
    """Tokenize texts."""
    prompts = []
    for text, name in zip(texts, names, strict=True):
        with about(name):
            tokens = tuple(model.tokenizer.encode(text))
        prompts.append(fitting(model, Prompt(tokens=tokens, text=text), name))
    return tuple(prompts)


def _token_limit(model: ServedLanguageModel, prompt: Prompt, order: Order) -> int:
    """Return how many tokens may follow a prompt; the last one needs no place in the context."""
    room = model.config.n_positions - len(prompt.tokens) + 1
    if order.max_tokens is None:
        return room if order.default_tokens is None else min(room, order.default_tokens)
    if order.max_tokens > room:
        raise ApiError(
            400,
            f"{order.max_tokens_field} is {order.max_tokens:,}, and beside a prompt of "
            f"{counted(len(prompt.tokens), 'token')} the context of {model.id} has room for {room:,}: "
            "lower it, or shorten the prompt",
            param=order.max_tokens_field,
            code="context_length_exceeded",
        )
    return order.max_tokens


def _excess(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param, code="limit_exceeded")
