"""What routes have in common that ask a model's thread for one answer."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from gptcli.data.words import counted
from gptcli.engine.inspector import LoadedInspector
from gptcli.serving.connection import ClientLeftError, while_connected
from gptcli.serving.errors import ApiError
from gptcli.serving.lane import Lane
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.state import ServerState
from gptcli.serving.wanted import StillWanted, WantedInspector

Owned = TypeVar("Owned")


async def inspected(
    request: Request, state: ServerState, model: ServedLanguageModel, work: Callable[[LoadedInspector], BaseModel]
) -> Response:
    """Return what work finds in a model, as JSON; it is read no further once nobody waits for it."""

    def look(loaded: LoadedInspector, still_wanted: StillWanted) -> BaseModel:
        return work(replace(loaded, inspector=WantedInspector(loaded.inspector, still_wanted)))

    return await answered(request, state, model.inspector, look)


async def answered(
    request: Request, state: ServerState, lane: Lane[Owned], work: Callable[[Owned, StillWanted], BaseModel]
) -> Response:
    """Return what work makes of the lane's thing, as JSON that is written in the lane's thread too.

    Work that looks into a text after another asks in between whether anybody still waits.
    """
    given_up = threading.Event()

    def still_wanted() -> None:
        if given_up.is_set():
            raise ClientLeftError

    def written(owned: Owned) -> bytes:
        still_wanted()
        return work(owned, still_wanted).model_dump_json().encode()

    try:
        content = await while_connected(request.receive, state.settings.timeout_seconds, lane.run(written))
    finally:
        given_up.set()
    return Response(content, media_type="application/json")


def require_few(count: int, state: ServerState, param: str) -> None:
    """Raise ApiError for more texts in a request than this server takes."""
    most = state.settings.max_prompts
    if count > most:
        wrong = f"{param}: has {counted(count, 'text')}, and a request may have {most:,}: send several"
        raise ApiError(400, wrong, param=param, code="too_many")
