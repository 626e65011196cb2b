"""Take the addresses that a server listens on, before its models are opened: what is wrong here is told at once."""

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence

from gptcli.errors import ConfigError

BACKLOG = 2048
"""Connections that the system keeps until they are taken, as uvicorn has it."""
_NO_SUCH_FAMILY = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""A machine without IPv6 may have a name for it all the same."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of a host, all on one port; 0 is one that the system chooses.

    Raises ConfigError for a host that is none of this machine's, and a port that is taken or needs rights.
    """
    addresses = _addresses(host, port)
    opened: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in addresses:
        try:
            opened.append(_opened(family, address, port_of(opened) if opened else port))
        except OSError as error:
            failure = error
            if error.errno not in _NO_SUCH_FAMILY:
                break
    if failure is not None and (not opened or failure.errno not in _NO_SUCH_FAMILY):
        for one in opened:
            one.close()
        raise ConfigError(_complaint(host, port, failure)) from failure
    return opened


def port_of(sockets: Sequence[socket.socket]) -> int:
    """Return the port that they listen on."""
    port: int = sockets[0].getsockname()[1]
    return port


def is_local(sockets: Sequence[socket.socket]) -> bool:
    """Return whether only this machine reaches them."""
    return all(ipaddress.ip_address(one.getsockname()[0]).is_loopback for one in sockets)


def is_everywhere(host: str) -> bool:
    """Return whether a host stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host


def url(host: str, port: int) -> str:
    """Return the address to open on this machine."""
    if is_everywhere(host):
        return f"http://localhost:{port}/"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"--host {host}: there is no such host: give 127.0.0.1, or 0.0.0.0 for all addresses of this machine"
        ) from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _opened(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError."""
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def _complaint(host: str, port: int, error: OSError) -> str:
    """Return what is wrong with a host and port, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"--port {port} is in use: give another, or 0 for one that is free"
        case errno.EACCES | errno.EPERM:
            return f"--port {port} is kept for the system: give one from 1024 on"
        case errno.EADDRNOTAVAIL:
            return f"--host {host} is no address of this machine: give 127.0.0.1, or 0.0.0.0 for all of its own"
    return f"--host {host} --port {port}: {error.strerror}"
