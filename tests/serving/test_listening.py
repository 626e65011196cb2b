"""A server takes all addresses of its host on one port, and says what hinders it."""

import socket

import pytest

from gptcli.errors import ConfigError
from gptcli.serving.listening import is_local, listen, port_of, url


def test_a_name_of_several_addresses_is_listened_on_at_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "127.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    sockets = listen("both.example", 0)
    try:
        assert [one.getsockname()[0] for one in sockets] == ["127.0.0.1", "127.0.0.2"]
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert port_of(sockets) > 0
        assert is_local(sockets)
    finally:
        for one in sockets:
            one.close()


def test_an_address_that_this_machine_lacks_is_left_out_where_there_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("203.0.113.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    (only,) = listen("both.example", 0)
    with only:
        assert only.getsockname()[0] == "127.0.0.1"


def test_all_addresses_are_not_local() -> None:
    (only,) = listen("0.0.0.0", 0)
    with only:
        assert not is_local([only])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "a..b", "\u2603" * 100])
def test_a_host_that_there_is_not_is_told(host: str) -> None:
    with pytest.raises(ConfigError, match="there is no such host"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://localhost:80/"),
        ("::", "http://localhost:80/"),
        ("::1", "http://[::1]:80/"),
        ("nas.example", "http://nas.example:80/"),
    ],
)
def test_the_address_to_open_is_one_that_a_browser_takes(host: str, address: str) -> None:
    assert url(host, 80) == address
