"""What the routes of one server share, and how a route gets at it."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from gptcli.serving.drain import Drain
from gptcli.serving.metrics import Metrics
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """One server's settings, models, figures and whether it is coming to its end."""

    settings: ServeSettings
    models: Models
    metrics: Metrics
    drain: Drain = field(default_factory=Drain)


async def state_of(request: Request) -> ServerState:
    """Return the state of the server that a request came to.

    A coroutine: FastAPI would call a function in a thread of its own, which waits for the engine to let go twice.
    """
    state: ServerState = request.app.state.server
    return state


State = Annotated[ServerState, Depends(state_of)]
"""The type of a route's parameter that is the server's state: `async def route(body: Body, state: State)`."""
