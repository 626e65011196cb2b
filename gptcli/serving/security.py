"""Who may ask, and how much: the Host check, the key, the limit of a body, and the headers that bind a browser.

Each is a layer around the application. From the outside in: headers, host, other origins, key, body. A browser asks
before it sends a key to another origin, so those questions are answered ahead of the key.
"""

import asyncio
import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptcli.data.words import counted
from gptcli.serving.errors import ApiError
from gptcli.serving.settings import ServeSettings
from gptcli.serving.unforeseen import Unforeseen

POLICY: Final = "; ".join(
    (
        "default-src 'none'",  # what is not named below is forbidden, whatever browsers learn to load
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),  # the page's address holds the text that it shares
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
PUBLIC: Final = frozenset({"/", "/health", "/favicon.ico"})
PAGE: Final = "/page/"
"""Where the page's own files lie; like PUBLIC they hold nothing of a model, and a browser must load them to ask."""
_HOST: Final = re.compile(r"(\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^:\[\]@/?#]*))(:\d*)?")
_PUBLIC_METHODS: Final = frozenset({"GET", "HEAD"})


def add_security(app: FastAPI, settings: ServeSettings) -> None:
    """Put the layers around the application; a layer that is added later stands outside of those before."""
    app.add_middleware(BodyLimit, most_bytes=settings.max_body_bytes, most_seconds=settings.timeout_seconds)
    if settings.api_key is not None:
        app.add_middleware(KeyCheck, api_key=settings.api_key)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),  # the openai client for browsers sends a dozen of its own
            expose_headers=("Retry-After",),
        )
    app.add_middleware(HostCheck, hosts=(settings.host, *own_names(), *settings.allowed_hosts))
    app.add_middleware(Unforeseen)
    app.add_middleware(AnswerHeaders)


class AnswerHeaders:
    """Adds the headers that bind a browser to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS:
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/v1/") else "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HostCheck:
    """Refuses requests whose Host is another's name.

    A page of evil.example can have its name point to this machine and then ask here as if it were itself the server
    (DNS rebinding); its requests still say evil.example. An address in numbers is no name, so it always passes; so does
    localhost, and so do the names that this machine gives itself, which nobody else can point here.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """Let pass these names too; "*.example.com" is every name below it, and "*" every name there is."""
        self._app = app
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403, and 400 where it names no host or two."""
        if scope["type"] == "http":
            named = [value for name, value in scope["headers"] if name == b"host"]
            if len(named) != 1:
                await ApiError(400, "the request needs one Host header", code="bad_host").response()(
                    scope, receive, send
                )
                return
            host = host_of(named[0].decode("latin-1"))
            if not self._passes(host):
                await _other_host(host).response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _passes(self, host: str) -> bool:
        if "*" in self._hosts or host in self._hosts or host == "localhost" or host.endswith(".localhost"):
            return True
        return _is_address(host) or any(f"*.{parent}" in self._hosts for parent in _parents(host))


class KeyCheck:
    """Asks for the key, but for the page, which must come before anybody can enter one, and for the state of health."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._digest = sha256(api_key.encode()).digest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "http" and not _is_public(scope):
            error = self._error(Headers(scope=scope).get("authorization"))
            if error is not None:
                await error.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _error(self, authorization: str | None) -> ApiError | None:
        """Return what is wrong; digests of equal length are compared in constant time, so that no time tells a key."""
        scheme, _, key = (authorization or "").partition(" ")
        is_right = hmac.compare_digest(sha256(key.strip().encode("latin-1")).digest(), self._digest)
        if is_right and scheme.lower() == "bearer":
            return None
        found = "is wrong" if authorization else "is missing"
        return ApiError(
            401,
            f"the API key {found}: send the header Authorization: Bearer KEY",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )


class BodyLimit:
    """Ends a request whose body is too large, as is told ahead or seen while it is read, or too long in coming."""

    def __init__(self, app: ASGIApp, most_bytes: int, most_seconds: float) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413; raises HTTPException 413 or 408 into a route that reads the body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = f"the body may have {self._most_bytes:,} bytes: send less at once"
        told = Headers(scope=scope).get("content-length", "")
        if told.isascii() and told.isdigit() and int(told) > self._most_bytes:
            await ApiError(413, too_large, code="request_too_large").response()(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self._most_seconds
        read = 0
        has_more = True

        async def receive_counted() -> Message:
            nonlocal read, has_more
            if not has_more:
                return await receive()  # whether the client is still there
            try:
                async with asyncio.timeout_at(deadline):
                    received = await receive()
            except TimeoutError as error:
                raise HTTPException(
                    408, f"the body took longer than {counted(self._most_seconds, 'second')}"
                ) from error
            has_more = received.get("more_body", False)
            read += len(received.get("body", b""))
            if read > self._most_bytes:
                raise HTTPException(413, too_large)  # the one kind of error that FastAPI lets through while it reads
            return received

        await self._app(scope, receive_counted, send)


def own_names() -> tuple[str, str]:
    """Return what this machine is called, and what it is called in its network without a name server."""
    name = socket.gethostname()
    return name, f"{name.partition('.')[0]}.local"


def host_of(header: str) -> str:
    """Return the host of a Host header in lower case, without the port and the brackets of IPv6; else all of it."""
    found = _HOST.fullmatch(header.strip().lower())
    return (found["address"] or found["name"].rstrip(".")) if found else header


def _other_host(host: str) -> ApiError:
    message = f"this server does not answer to the name {host!r}: start it with --allowed-host {host} if it should"
    return ApiError(403, message, code="host_not_allowed")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _parents(host: str) -> Iterable[str]:
    """Yield the names above a name, the nearest first."""
    labels = host.split(".")
    return (".".join(labels[begin:]) for begin in range(1, len(labels)))


def _is_public(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in _PUBLIC_METHODS and (path in PUBLIC or path.startswith(PAGE))
