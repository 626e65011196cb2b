"""The routes, a file a kind: each has a `router`, and stands in ROUTERS."""

from gptcli.serving.routes import (
    chat,
    completions,
    embeddings,
    inspection,
    labels,
    models,
    page,
    scores,
    surprisal,
    tokens,
)

ROUTERS = (
    completions.router,
    chat.router,
    embeddings.router,
    labels.router,
    scores.router,
    inspection.router,
    surprisal.router,
    tokens.router,
    models.router,
    page.router,
)
"""In the order of the OpenAPI document."""
