"""Put the application together: routes, errors, security and the page, around one server's state.

Middleware is pure ASGI, never Starlette's BaseHTTPMiddleware: that hides that a client has left.
"""

from fastapi import FastAPI

from gptcli import __version__
from gptcli.serving.connection import ClientLeftError, nobody_left
from gptcli.serving.drain import DrainMiddleware
from gptcli.serving.errors import add_error_handlers
from gptcli.serving.metrics import Counting, Metrics
from gptcli.serving.routes import ROUTERS
from gptcli.serving.schemas.errors import RESPONSES
from gptcli.serving.security import add_security
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings
from gptcli.serving.state import ServerState


def make_app(settings: ServeSettings, models: Models) -> FastAPI:
    """Return the application; whoever opened the models closes them.

    Neither of FastAPI's own pages of documentation is served: both load scripts from elsewhere.
    """
    state = ServerState(settings=settings, models=models, metrics=Metrics(models))
    app = FastAPI(title="gptcli", version=__version__, docs_url=None, redoc_url=None, responses=RESPONSES)
    app.state.server = state
    add_error_handlers(app)
    app.add_exception_handler(ClientLeftError, nobody_left)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(DrainMiddleware, drain=state.drain)
    add_security(app, settings)
    app.add_middleware(Counting, metrics=state.metrics)
    return app
