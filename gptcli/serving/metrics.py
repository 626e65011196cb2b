"""What a server counts, for Prometheus at /metrics: in a registry of its own, so that two servers never mix.

Tokens a second are rate(gptcli_new_tokens_total[1m]). Sequences and tokens are read from the engines when somebody
asks, the rest is counted as it happens.
"""

from collections.abc import Iterator
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptcli.serving.errors import LOGGER
from gptcli.serving.served import Models, ServedLanguageModel

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Edges of the histograms: from a look at one token to the longest text."""
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


class Metrics:
    """Counters and histograms of one server."""

    def __init__(self, models: Models) -> None:
        """Count for these models."""
        self._registry = CollectorRegistry()
        self._first_token = self._histogram(
            "gptcli_time_to_first_token_seconds",
            "From the arrival of a completion that is streamed to its first text.",
            "model",
        )
        self._completion = self._histogram(
            "gptcli_completion_seconds",
            "From a completion's arrival to its end, of those that were given whole.",
            "model",
        )
        self._prompt_tokens = self._counter(
            "gptcli_prompt_tokens", "Tokens of the prompts of whole completions.", "model"
        )
        self._completion_tokens = self._counter("gptcli_completion_tokens", "Tokens of whole completions.", "model")
        self._abandoned = self._counter(
            "gptcli_completions_abandoned",
            "Completions that got no whole answer: the client left, time was up, the queue was full, or it failed.",
            "model",
            "reason",
        )
        self._requests = self._counter(
            "gptcli_http_requests",
            "Requests answered, by route, method and status; 499 and 0 are clients that left before.",
            "route",
            "method",
            "status",
        )
        self._seconds = self._histogram(
            "gptcli_http_request_seconds", "From a request's arrival to the end of its answer.", "route"
        )
        self._registry.register(_Loads(models))
        ProcessCollector(registry=self._registry)

    def first_token(self, model: str, seconds: float) -> None:
        """Take note of the time from a request's arrival to the first text of its stream."""
        self._first_token.labels(model).observe(seconds)

    def finished(self, model: str, seconds: float, *, prompt_tokens: int, new_tokens: int) -> None:
        """Take note of an answer that was given whole, in how long a time and of how many tokens."""
        self._completion.labels(model).observe(seconds)
        self._prompt_tokens.labels(model).inc(prompt_tokens)
        self._completion_tokens.labels(model).inc(new_tokens)

    def abandoned(self, model: str, reason: str) -> None:
        """Take note of a request that got no whole answer: reason is left, timeout, full or failed."""
        self._abandoned.labels(model, reason).inc()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Take note of an answer to any request."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format, whose type is CONTENT_TYPE."""
        return generate_latest(self._registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, registry=self._registry, buckets=SECONDS)


class _Loads(Collector):
    """What the models are doing now."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of each model; those of engines are of language models only."""
        running = GaugeMetricFamily(
            "gptcli_running_sequences", "Sequences in the batch now, which is its size.", labels=["model"]
        )
        waiting = GaugeMetricFamily(
            "gptcli_waiting_sequences", "Sequences that wait for room in the batch.", labels=["model"]
        )
        slots = GaugeMetricFamily("gptcli_batch_slots", "Sequences that a batch has room for.", labels=["model"])
        written = CounterMetricFamily("gptcli_new_tokens", "Tokens written, whole answers or not.", labels=["model"])
        looking = GaugeMetricFamily(
            "gptcli_inspections",
            "Requests that look into a model or label texts, running and waiting.",
            labels=["model"],
        )
        for model in self._models.all:
            if isinstance(model, ServedLanguageModel):
                load = model.worker.load
                running.add_metric([model.id], load.running)
                waiting.add_metric([model.id], load.waiting)
                slots.add_metric([model.id], load.slots)
                written.add_metric([model.id], load.new_tokens)
                looking.add_metric([model.id], model.inspector.calls)
            else:
                looking.add_metric([model.id], model.labeller.calls)
        yield from (running, waiting, slots, written, looking)


class Counting:
    """Counts every answer and the time it took, and tells of it who wants to know."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a path that is no route counts as other, whatever it is, as series are kept for ever."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        began = perf_counter()

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        finally:
            seconds = perf_counter() - began
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, scope["method"], status, seconds)
            LOGGER.info("%s %s: %s, %.3f s", scope["method"], scope["path"], status or "the client left", seconds)
