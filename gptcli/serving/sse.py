"""Server-sent events: a line of JSON each, and a blank line behind it."""

from gptcli.serving.encoding import encoded

DONE = b"data: [DONE]\n\n"
"""OpenAI's mark that nothing more comes."""


def event(data: object) -> bytes:
    """Return an event."""
    return b"data: " + encoded(data) + b"\n\n"


class EventTemplate:
    """An event whose first choice changes and whose rest does not, so that only that is written each time."""

    def __init__(self, shared: dict[str, object], *, usage: bool) -> None:
        """Take the members that come before the choices; with usage they say in each event that it is told later."""
        self._shared = shared
        self._begin = event(shared).removesuffix(b"}\n\n") + b',"choices":['
        self._end = b'],"usage":null}\n\n' if usage else b"]}\n\n"

    def of(self, choice: dict[str, object]) -> bytes:
        """Return the event of a choice."""
        return self._begin + encoded(choice) + self._end

    def usage(self, usage: dict[str, int]) -> bytes:
        """Return the event that counts tokens, which has no choice."""
        return event({**self._shared, "choices": [], "usage": usage})
