"""Decide when text that is being written goes out, so that what comes of a few steps goes out together."""

PACE_SECONDS = 0.03
"""The least time between two pieces of a text: no eye sees more, and a small model writes six tokens meanwhile.

To cut a piece off, wake up for it, write it as JSON and send it costs half of what such a model's token costs.
"""


class Pace:
    """Counts the time since text went out last; first words and ends are no matter of pace."""

    def __init__(self) -> None:
        self._due_at = float("-inf")

    def is_due(self, now: float) -> bool:
        """Return whether text is to go out behind the step that begins now, in seconds."""
        if now < self._due_at:
            return False
        self._due_at = now + PACE_SECONDS
        return True
