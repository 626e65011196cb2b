"""The openai package reads what is served, embeddings and errors; its other calls are tested where they are served."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from fastapi import FastAPI

from tests.serving.asking import app_of
from tests.serving.sending import answer

KEY = "secret"


def called(app: FastAPI, call: Callable[[openai.AsyncOpenAI], Awaitable[Any]], key: str = KEY) -> Any:
    """Return what a call of the client gives."""

    async def work() -> Any:
        transport = httpx.ASGITransport(app)
        web = httpx.AsyncClient(transport=transport)
        async with openai.AsyncOpenAI(base_url="http://localhost/v1", api_key=key, http_client=web) as client:
            return await call(client)

    return asyncio.run(work())


@pytest.fixture(scope="module")
def app(tiny: Path) -> FastAPI:
    return app_of(tiny, api_key=KEY)


def test_it_lists_the_models_and_finds_one(app: FastAPI, tiny: Path) -> None:
    listed = called(app, lambda client: client.models.list())
    assert [model.id for model in listed.data] == [tiny.name]
    assert called(app, lambda client: client.models.retrieve(tiny.name)).owned_by == "gptcli"


def test_it_gets_embeddings_in_the_form_that_it_asks_for_itself(app: FastAPI, tiny: Path) -> None:
    found = called(app, lambda client: client.embeddings.create(model=tiny.name, input=["Hello", "there"]))
    plain = answer(app_of(tiny), "/v1/embeddings", input=["Hello", "there"])
    for told, expected in zip(found.data, plain["data"], strict=True):
        np.testing.assert_array_equal(np.float32(told.embedding), np.float32(expected["embedding"]))
    assert found.usage.total_tokens == 10


@pytest.mark.parametrize("form", ["float", "base64"])
def test_it_gets_embeddings_in_the_form_that_it_is_told(app: FastAPI, tiny: Path, form: Any) -> None:
    fields: dict[str, Any] = {"model": tiny.name, "input": "Hello", "encoding_format": form}
    found = called(app, lambda client: client.embeddings.create(**fields))
    assert found.data[0].embedding == answer(app_of(tiny), "/v1/embeddings", **fields)["data"][0]["embedding"]


def test_it_raises_its_own_errors_with_our_words(app: FastAPI, tiny: Path) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt5' is not served here") as missing:
        called(app, lambda client: client.models.retrieve("gpt5"))
    with pytest.raises(openai.BadRequestError, match="dimensions: must be 32") as wrong:
        called(app, lambda client: client.embeddings.create(model=tiny.name, input="a", dimensions=3))
    with pytest.raises(openai.AuthenticationError, match="the API key is wrong") as locked:
        called(app, lambda client: client.models.list(), key="other")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert wrong.value.param == "dimensions"
    assert locked.value.code == "invalid_api_key"
