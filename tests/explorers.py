"""Explorations of test models, opened once."""

from functools import cache
from pathlib import Path

from gptcli.checkpoint.locate import Located
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.predictor import Predictor
from gptcli.tasks.exploring import Exploration

PLAIN = SamplingOptions(top_k=0)


@cache
def opened(directory: Path) -> tuple[LoadedModel, Predictor]:
    """Return a model on the CPU, and what says what follows a text."""
    options = ModelOptions(device="cpu", batch_size=1)
    model = load_model(Located(name=directory.name, directory=directory), options, least_slots=1)
    return model, Predictor(model.engine.backend)


def explored(directory: Path, text: str = "ab", options: SamplingOptions = PLAIN) -> Exploration:
    """Return a text to explore."""
    return Exploration(*opened(directory), text=text, options=options)
