"""What a server counts, for /metrics. F2 owns this file; F1 calls these methods.

Gauges (running, waiting sequences) are read at each scrape from EngineWorker.load and Lane.calls of the models.
"""


class Metrics:
    """Counters and histograms of one server."""

    def first_token(self, model: str, seconds: float) -> None:
        """Take note of the time from a request's arrival to its first token; called for streams and others alike."""

    def finished(self, model: str, seconds: float, *, prompt_tokens: int, new_tokens: int) -> None:
        """Take note of an answer that was given whole, in how long a time and of how many tokens."""

    def abandoned(self, model: str, reason: str) -> None:
        """Take note of a request that got no whole answer: reason is left, timeout, full or failed."""
