"""Take note of how one request for text went: how soon it began, how long it took, and why it got no whole answer."""

from time import perf_counter
from types import TracebackType
from typing import Self

from gptcli.serving.connection import ClientLeftError
from gptcli.serving.errors import ApiError
from gptcli.serving.metrics import Metrics

_REASONS = {429: "full", 504: "timeout"}


class Observation:
    """Lasts as long as its block, from a request's arrival to the end of its answer."""

    def __init__(self, metrics: Metrics, model: str) -> None:
        self._metrics = metrics
        self._model = model
        self._began = perf_counter()
        self._has_begun_to_write = False
        self.prompt_tokens = 0
        self.new_tokens = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._metrics.finished(
                self._model, self._seconds, prompt_tokens=self.prompt_tokens, new_tokens=self.new_tokens
            )
        elif isinstance(error, ApiError):
            self._metrics.abandoned(self._model, _REASONS.get(error.status, "failed"))
        else:
            self._metrics.abandoned(self._model, "left" if isinstance(error, ClientLeftError) else "failed")

    def first_text(self) -> None:
        """Take note that a stream has begun; later calls change nothing."""
        if not self._has_begun_to_write:
            self._has_begun_to_write = True
            self._metrics.first_token(self._model, self._seconds)

    @property
    def _seconds(self) -> float:
        return perf_counter() - self._began
