"""Open a model that a person then works with, telling how far that is."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from gptcli.cli.console import Console
from gptcli.cli.progress import Progress
from gptcli.tasks.events import ModelReady, Notice, Stage

T = TypeVar("T")


def opened(console: Console, events: Generator[Stage | ModelReady | Notice, None, T]) -> T:
    """Return what a task's opening returns, with its steps on the progress line; raises what it raises."""
    with Progress(console, lines=None, shared=False) as progress, closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: T = end.value
                return result
            match event:
                case Stage():
                    progress.stage(event.text)
                case Notice():
                    (progress.detail if event.detail else progress.warn)(event.text)
                case ModelReady():
                    pass
