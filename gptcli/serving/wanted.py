"""Look into a model only as long as somebody waits for what is found."""

from collections.abc import Callable, Iterator

from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import Inspector, Trace

StillWanted = Callable[[], None]
"""Raises where nobody waits for the result any more."""


class WantedInspector:
    """An inspector that asks before each reading, and between the parts of what it predicts."""

    def __init__(self, inspector: Inspector, still_wanted: StillWanted) -> None:
        self._inspector = inspector
        self._still_wanted = still_wanted

    def logits(self, tokens: Tokens, start: int = 0) -> Iterator[Floats]:
        """Yield what is predicted; see gptcli.engine.inspector.Inspector."""
        self._still_wanted()
        for part in self._inspector.logits(tokens, start):
            yield part
            self._still_wanted()

    def trace(self, tokens: Tokens) -> Trace:
        """Read a text and keep what its layers computed."""
        self._still_wanted()
        return self._inspector.trace(tokens)

    def predict(self, residual: Floats) -> Floats:
        """Return the logits (rows, vocab) of rows of a residual stream (rows, n_embd)."""
        return self._inspector.predict(residual)
