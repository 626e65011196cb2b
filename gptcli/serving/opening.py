"""Open the models that a server is to serve, and tell how that goes."""

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.engine.inspector import load_inspector
from gptcli.engine.load import load_model
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError
from gptcli.serving.lane import Lane
from gptcli.serving.samplers import Samplers
from gptcli.serving.served import Models, ServedClassifier, ServedLanguageModel, ServedModel
from gptcli.serving.settings import ServeSettings
from gptcli.serving.worker import EngineWorker
from gptcli.tasks.dialogue_formats import dialogue_format
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.labelling.head import HeadLabeller
from gptcli.tasks.labelling.labeller import Labeller, own_labels
from gptcli.tasks.locating import loading, located_model


def open_models(
    names: Sequence[str | None], options: ModelOptions, settings: ServeSettings
) -> Generator[Stage | Notice, None, Models]:
    """Yield what happens while models are found and opened; return them.

    Raises ConfigError for two that would go by the same name, ModelError and DeviceError.
    """
    require_device(options)
    located: list[Located] = []
    for name in names:
        located.append((yield from located_model(name)))
    ids = [model_id(one) for one in located]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise ConfigError(f"two models go by the name {twice}: leave one of them out, or rename its directory")
    opened: list[ServedModel] = []
    try:
        for one, name in zip(located, ids, strict=True):
            yield loading(one, options)
            model, description = open_model(one, name, options, settings)
            opened.append(model)
            yield Notice(text=description, detail=True)
            if isinstance(model, ServedLanguageModel) and model.dialogue.warning:
                yield Notice(text=model.dialogue.warning)
    except BaseException:
        for model in opened:
            model.close()
        raise
    return Models(opened)


def model_id(located: Located) -> str:
    """Return the name that requests call a model by: as it was given, and of a directory the last part of its path."""
    path = Path(located.name)
    return path.resolve().name if path.is_dir() else located.name


def open_model(located: Located, name: str, options: ModelOptions, settings: ServeSettings) -> tuple[ServedModel, str]:
    """Open a model, with a description of how; raises ModelError, DeviceError or ConfigError."""
    own = own_labels(located)
    created = int(time.time())
    if own is None:
        return _language_model(located, name, created, options, settings)
    labeller = HeadLabeller(located, options, long="head")
    config = read_config(located.directory)
    lane: Lane[Labeller] = Lane(f"gptcli-{name}", lambda: labeller, queue=settings.queue)
    model = ServedClassifier(
        id=name,
        created=created,
        directory=located.directory,
        config=config,
        tokenizer=load_tokenizer(located.directory, config),
        labels=own,
        labeller=lane,
    )
    return model, labeller.details[0]


def _language_model(
    located: Located, name: str, created: int, options: ModelOptions, settings: ServeSettings
) -> tuple[ServedLanguageModel, str]:
    """Open a model that writes; its inspector is opened when somebody first looks into it."""
    loaded = load_model(located, replace(options, batch_size=settings.max_concurrent), least_slots=1)
    model = ServedLanguageModel(
        id=name,
        created=created,
        directory=located.directory,
        config=loaded.config,
        tokenizer=loaded.tokenizer,
        samplers=Samplers(loaded.config.eos_token_ids),
        dialogue=dialogue_format(located.directory, located.name, None),
        worker=EngineWorker(loaded.engine, name, queue=settings.queue),
        inspector=Lane(f"gptcli-{name}-inspector", partial(load_inspector, located, options), queue=settings.queue),
    )
    return model, loaded.description
