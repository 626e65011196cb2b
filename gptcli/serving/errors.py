"""Errors of the HTTP interface: each becomes one JSON object in OpenAI's shape, with the right status.

    {"error": {"message": "...", "type": "invalid_request_error", "param": "temperature", "code": null}}

A ConfigError or InputError of a task is the client's (400), a ModelError ours (500), a DeviceError passes (503). What
nobody foresaw is a 500 whose cause is told on stderr in one line, and to the client not at all.
"""

import dataclasses
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gptcli.engine.options import SamplingOptions
from gptcli.errors import DeviceError, GptcliError, InputError, MissingExtraError, UsageError
from gptcli.serving.complaints import complaint_of

LOGGER = logging.getLogger("gptcli.serving")
"""What a person who runs the server should know; the command line decides where it goes."""

MOST_MESSAGE = 1000
"""Characters of a message: what a client has sent may stand in it."""
MOST_PARAM = 200

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_RENAMED = {"max_new_tokens": "max_tokens", "num_samples": "n"}
"""Fields that are called otherwise than their options."""
_FIELDS = frozenset({field.name for field in dataclasses.fields(SamplingOptions)} | {"num_samples", "seed", "labels"})
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


class ApiError(Exception):
    """A request that is refused, or that failed; the message says what to do about it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what is wrong; param names the field of the request, code is for programs."""
        super().__init__(_shown(message, MOST_MESSAGE))
        self.status = status
        self.param = None if param is None else _shown(param, MOST_PARAM)
        self.code = code
        self.headers = dict(headers or {})
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)

    @property
    def body(self) -> dict[str, dict[str, str | None]]:
        """Return the error as OpenAI writes it."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return it as an answer."""
        return JSONResponse(self.body, self.status, headers=self.headers)


@contextmanager
def about(param: str) -> Iterator[None]:
    """Turn an InputError, whose message goes behind the place of what is wrong, into the error of a field."""
    try:
        yield
    except InputError as error:
        raise ApiError(400, f"{param}: {in_fields(str(error))[0]}", param=param) from error


def api_error(error: Exception) -> ApiError:
    """Return any exception as a client is told it; what is no error of ours says nothing of its cause."""
    match error:
        case ApiError():
            return error
        case UsageError() | InputError():
            message, param = in_fields(str(error))
            return ApiError(400, message, param=param)
        case DeviceError():
            return ApiError(503, f"the server has no room for this now: {error}", code="out_of_memory")
        case MissingExtraError():
            return ApiError(501, f"the server lacks a package: {error}", code="missing_extra")
        case GptcliError():
            return ApiError(500, str(error))
        case MemoryError():
            return ApiError(503, "the server is out of memory: send less at once", code="out_of_memory")
    return ApiError(500, "the server has failed, and its log says how: this is a bug of gptcli")


def in_fields(message: str) -> tuple[str, str | None]:
    """Return a message about options as one about fields of a request, and the first field that it names.

    What is no option that requests have too, as it may stand in a text that is quoted, stays as it is.
    """
    names: list[str] = []

    def field(match: re.Match[str]) -> str:
        name = match[1].replace("-", "_")
        if name not in _FIELDS:
            return match[0]
        names.append(_RENAMED.get(name, name))
        return names[-1]

    return _OPTION.sub(field, message), next(iter(names), None)


def tell(error: Exception) -> None:
    """Log, in a line, what the person who runs the server should know; a bug with its place, for who wants that.

    What a client is told by an ApiError is its own affair, and so is what it did wrong.
    """
    place = error if LOGGER.isEnabledFor(logging.DEBUG) else None
    if isinstance(error, ApiError) or api_error(error).status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    if isinstance(error, GptcliError | MemoryError):
        LOGGER.error("%s", str(error) or type(error).__name__, exc_info=place)
    else:
        LOGGER.critical("%s: %s", type(error).__name__, error, exc_info=place)


def add_error_handlers(app: FastAPI) -> None:
    """Have every error of a route answered in OpenAI's shape; gptcli.serving.unforeseen catches what is left."""
    for kind in (ApiError, GptcliError, MemoryError):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    tell(error)
    return api_error(error).response()


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that is no JSON, or whose fields are wrong, with the first complaint."""
    if not isinstance(error, RequestValidationError):
        raise error
    complaint = complaint_of(error.errors(), request.headers.get("content-type"))
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE if complaint.code == "unsupported_media_type" else HTTPStatus.BAD_REQUEST
    return ApiError(status, complaint.message, param=complaint.param, code=complaint.code).response()


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: a path that is not there, another method, a body that is no text."""
    if not isinstance(error, HTTPException):
        raise error
    place = f"{request.method} {request.url.path}"
    message, code = str(error.detail), None
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            message, code = f"there is nothing at {place}: /openapi.json lists what there is", "not_found"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "another method")
            message, code = f"{place} is not possible: use {allowed}", "method_not_allowed"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            code = "request_too_large"
        case HTTPStatus.REQUEST_TIMEOUT:
            code = "timeout"
        case HTTPStatus.BAD_REQUEST:  # of the framework only this: it could not read the body
            message, code = "the body is no JSON: not UTF-8, nested too deeply, or with a number too long", "bad_json"
    return ApiError(error.status_code, message, code=code, headers=error.headers).response()


def _shown(text: str, most: int) -> str:
    """Return a text as it can be sent: half a surrogate pair escaped, and not too long."""
    text = text if len(text) <= most else f"{text[:most]}..."
    return text.encode(errors="backslashreplace").decode()
