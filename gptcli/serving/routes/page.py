"""The playground: GET / and the files of the page below /page/, all of them from the package."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
"""By the suffix, whatever a system's own table of types says; what has no suffix of these is not served."""


@router.api_route("/", methods=["GET", "HEAD"])
async def index_route() -> Response:
    """Return the page."""
    return _file("index.html")


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def file_route(path: str) -> Response:
    """Return one of the page's files."""
    return _file(path)


def _file(path: str) -> Response:
    """Return a file of the page; a path is looked up among those that there are, and never opened as it came."""
    for name, file in _files(files("gptcli.serving") / "page", ""):
        if name == path:
            return Response(file.read_bytes(), media_type=_TYPES[f".{name.rpartition('.')[2]}"])
    raise HTTPException(404)


def _files(directory: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    """Yield the files of a directory that can be served, each with its path from the page's."""
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif f".{entry.name.rpartition('.')[2]}" in _TYPES:
            yield prefix + entry.name, entry
