"""Explorations of test models, opened once."""

from functools import cache
from pathlib import Path

from gptcli.checkpoint.locate import Located
from gptcli.engine.inspector import LoadedInspector, load_inspector
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.tasks.exploring import Exploration

PLAIN = SamplingOptions(top_k=0)


@cache
def inspected(directory: Path) -> LoadedInspector:
    """Return a model that shows what it predicts, on the CPU."""
    return load_inspector(Located(name=directory.name, directory=directory), ModelOptions(device="cpu"))


def explored(directory: Path, text: str = "ab", options: SamplingOptions = PLAIN) -> Exploration:
    """Return a text to explore."""
    return Exploration(inspected(directory), text=text, options=options)
