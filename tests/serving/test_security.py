"""Who may ask: by the name in Host, by a key, from another origin; and what a browser is told to forbid."""

import socket

import pytest
from fastapi import FastAPI

from gptcli.serving.security import host_of
from tests.serving.asking import app_of
from tests.serving.sending import ask, error_of

KEY = "correct horse"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return app_of(allowed_hosts=("Model.Example.com", "*.home.arpa"))


@pytest.fixture(scope="module")
def locked() -> FastAPI:
    return app_of(api_key=KEY)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "localhost.:8000",
        "app.localhost",
        "127.0.0.1:8000",
        "192.168.1.7",
        "[::1]",
        "[::1]:8000",
        "[fe80::1]:1",
        "model.example.com",
        "model.example.com:8000",
        "nas.home.arpa",
        "a.b.home.arpa:80",
    ],
)
def test_this_machines_names_and_addresses_are_answered(app: FastAPI, host: str) -> None:
    assert ask(app, "GET", "/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "model.example.com.evil.example",
        "home.arpa",
        "nothome.arpa",
        "[::1].evil.example",
        "",
        "evil.example@localhost",
    ],
)
def test_another_name_is_refused_as_it_would_be_a_page_that_points_its_name_here(app: FastAPI, host: str) -> None:
    response = ask(app, "GET", "/health", headers={"Host": host})
    assert response.status_code == 403
    assert error_of(response)["code"] == "host_not_allowed"


def test_the_names_that_this_machine_gives_itself_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "desk.lab.example")
    app = app_of()
    for host in ("desk.lab.example:8000", "desk.local"):
        assert ask(app, "GET", "/health", headers={"Host": host}).status_code == 200


def test_two_hosts_are_refused(app: FastAPI) -> None:
    response = ask(app, "GET", "/health", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert (response.status_code, error_of(response)["code"]) == (400, "bad_host")


def test_a_star_lets_any_name_pass() -> None:
    app = app_of(allowed_hosts=("*",))
    assert ask(app, "GET", "/health", headers={"Host": "any.example"}).status_code == 200


def test_the_host_that_the_server_was_started_with_is_answered() -> None:
    app = app_of(host="nas.example")
    assert ask(app, "GET", "/health", headers={"Host": "nas.example:8000"}).status_code == 200


@pytest.mark.parametrize(
    ("header", "host"),
    [("[::1]:80", "::1"), ("A.B:1", "a.b"), ("a.b.", "a.b"), ("[::1", "[::1"), ("[::1].b", "[::1].b"), ("", "")],
)
def test_the_host_is_read_without_port_and_brackets(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"Bearer  {KEY} "])
def test_the_key_opens(locked: FastAPI, header: str) -> None:
    assert ask(locked, "GET", "/v1/models", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", KEY, "Bearer", "Bearer ", "Bearer correct", f"Basic {KEY}", f"Bearer {KEY}x", b"Bearer \xff"]
)
def test_a_key_that_is_missing_or_wrong_is_a_401_that_says_how_to_send_one(locked: FastAPI, header) -> None:
    response = ask(locked, "GET", "/v1/models", headers={} if header is None else {"Authorization": header})
    error = error_of(response)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert error["code"] == "invalid_api_key"
    assert "Authorization: Bearer" in error["message"]
    assert KEY not in response.text


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/v1/completions", "/nothing"])
def test_all_but_the_page_and_health_ask_for_the_key(locked: FastAPI, path: str) -> None:
    assert ask(locked, "GET", path).status_code == 401


@pytest.mark.parametrize("path", ["/", "/page/icon.svg", "/health"])
def test_the_page_and_health_come_without_a_key(locked: FastAPI, path: str) -> None:
    assert ask(locked, "GET", path).status_code == 200


def test_nothing_can_be_posted_where_a_key_is_not_asked_for(locked: FastAPI) -> None:
    assert ask(locked, "POST", "/health").status_code == 401


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/", {}), ("/page/icon.svg", {}), ("/health", {}), ("/nothing", {}), ("/health", {"Host": "evil.example"})],
)
def test_every_answer_binds_the_browser(app: FastAPI, path: str, headers: dict[str, str]) -> None:
    told = ask(app, "GET", path, headers=headers).headers
    policy = told["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in told["Content-Security-Policy"]
    assert "http" not in told["Content-Security-Policy"]
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Referrer-Policy"] == "no-referrer"


def test_a_bug_binds_the_browser_too() -> None:
    app = app_of()

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    assert ask(app, "GET", "/broken").headers["X-Content-Type-Options"] == "nosniff"


ORIGIN = {"Origin": "https://app.example.com"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def test_pages_of_other_sites_may_ask_only_where_their_origin_was_named(app: FastAPI) -> None:
    named = app_of(cors=("https://app.example.com",), api_key=KEY)
    allowed = ask(named, "OPTIONS", "/v1/next", headers=PREFLIGHT)
    assert allowed.status_code == 200, "a browser asks without the key"
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    refused = ask(named, "GET", "/health", headers={"Origin": "https://evil.example"})
    for response in (
        refused,
        ask(app, "GET", "/health", headers=ORIGIN),
        ask(app, "OPTIONS", "/v1/next", headers=PREFLIGHT),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


def test_an_error_can_be_read_by_the_page_that_may_ask() -> None:
    named = app_of(cors=("https://app.example.com",), api_key=KEY)
    response = ask(named, "GET", "/v1/models", headers=ORIGIN)
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
