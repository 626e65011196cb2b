"""How a server runs: where it listens, whom it answers and how much it takes on. Imports nothing heavy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gptcli.errors import ConfigError

_KEY = re.compile(r"[!-~]+( +[!-~]+)*")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")
"""As a browser sends it in the header Origin."""
_NAME = re.compile(r"(\*\.)?[^*/:?#\s]+")
"""A host without a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What `serve` needs to know besides its models; raises ConfigError when a value is out of range."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 lets the system choose a free one."""
    api_key: str | None = None
    """What every request but those for the page and /health must bring; None lets everybody in."""
    cors: tuple[str, ...] = ()
    """Origins of other sites whose pages may call this server; "*" is all of them."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that this server goes by, besides localhost and addresses in numbers."""
    max_concurrent: int | None = None
    """Sequences decoded together at most, each model's batch; None chooses by memory."""
    queue: int = 128
    """Sequences that may wait for their turn, for each model; a request that would be more is refused with 429."""
    timeout_seconds: float = 300
    """How long a request may take in all, its waiting included."""
    drain_seconds: float = 30
    """How long what runs may still go on after SIGTERM."""
    max_body_bytes: int = 4 * 1024 * 1024
    max_prompts: int = 128
    """Prompts, or texts, of one request."""
    max_samples: int = 128
    """n and best_of: as OpenAI's."""
    max_new_tokens: int = 65_536
    """Tokens of one request in all: prompts times samples times max_tokens."""

    def __post_init__(self) -> None:
        for complaint in self._complaints():
            raise ConfigError(complaint)

    def _complaints(self) -> Iterator[str]:
        """Yield a message for each value that is not allowed."""
        if not 0 <= self.port <= 65_535:
            yield f"--port must be between 0 and 65535, not {self.port}"
        if self.max_concurrent is not None and self.max_concurrent < 1:
            yield f"--max-concurrent must be at least 1, not {self.max_concurrent}"
        if self.queue < 0:
            yield f"--queue must be at least 0, not {self.queue}"
        if not 0 < self.timeout_seconds < float("inf"):
            yield f"--timeout must be above 0, not {self.timeout_seconds:g}"
        if self.api_key is not None and not _KEY.fullmatch(self.api_key):
            yield "--api-key must be one or more printable ASCII characters: it travels in a header"
        for origin in self.cors:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                yield f"--cors {origin} is no origin: write it as https://app.example.com, without a path"
        for host in self.allowed_hosts:
            if host != "*" and not _NAME.fullmatch(host):
                yield f"--allowed-host {host} is no name: write it as model.example.com, or *.example.com"
