"""A thread that owns an engine: requests join its batch as they come, and what it writes goes to the event loop."""

from gptcli.engine.engine import Engine


class EngineWorker:
    """The one that steps an engine. Under construction by F1."""

    def __init__(self, engine: Engine, name: str, *, queue: int) -> None:
        self.engine = engine
        self.name = name
        self.queue = queue

    def close(self) -> None:
        """Drop what runs, and end the thread."""
