"""The models of a server: what each can do, and which one a request means."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.labels import LabelSet
from gptcli.engine.inspector import LoadedInspector
from gptcli.serving.errors import ApiError
from gptcli.serving.lane import Lane
from gptcli.serving.samplers import Samplers
from gptcli.serving.worker import EngineWorker
from gptcli.tasks.dialogue import DialogueFormat
from gptcli.tasks.labelling.labeller import Labeller


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLanguageModel:
    """A model that writes."""

    id: str
    created: int
    """When it was opened, in seconds since 1970."""
    directory: Path
    config: ModelConfig
    tokenizer: Tokenizer
    dialogue: DialogueFormat
    samplers: Samplers
    worker: EngineWorker
    """Its engine, for completions."""
    inspector: Lane[LoadedInspector]
    """Its other side, for scores, surprisal, attention and the like; opened at the first use."""

    def close(self) -> None:
        """End its threads."""
        self.worker.close()
        self.inspector.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedClassifier:
    """A model that gives labels of its own."""

    id: str
    created: int
    """When it was opened, in seconds since 1970."""
    directory: Path
    config: ModelConfig
    tokenizer: Tokenizer
    labels: LabelSet
    labeller: Lane[Labeller]

    def close(self) -> None:
        """End its thread."""
        self.labeller.close()


ServedModel = ServedLanguageModel | ServedClassifier


class Models:
    """All models of a server; the first is meant where a request names none."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self._by_id = {model.id: model for model in models}

    @property
    def all(self) -> tuple[ServedModel, ...]:
        """Return the models in the order in which they were given."""
        return tuple(self._by_id.values())

    def named(self, name: str | None) -> ServedModel:
        """Return the model that a request names; raises ApiError 404 for one that is not served."""
        if name is None:
            return self.all[0]
        if name not in self._by_id:
            raise ApiError(
                404,
                f"the model {name!r} is not served here: there is {', '.join(self._by_id)}",
                param="model",
                code="model_not_found",
            )
        return self._by_id[name]

    def language_model(self, name: str | None) -> ServedLanguageModel:
        """Return the language model that a request names, or the first; raises ApiError 404, or 400 for another."""
        model = self._first(ServedLanguageModel) if name is None else self.named(name)
        if not isinstance(model, ServedLanguageModel):
            who = "every model here" if model is None else f"the model {model.id!r}"
            wrong = f"{who} gives labels and does not write: use /v1/classify"
            raise ApiError(400, wrong, param="model", code="wrong_model_kind")
        return model

    def _first(self, kind: type[ServedModel]) -> ServedModel | None:
        return next((model for model in self.all if isinstance(model, kind)), None)

    def give_up(self, error: ApiError) -> None:
        """Fail all texts that are being written."""
        for model in self.all:
            if isinstance(model, ServedLanguageModel):
                model.worker.give_up(error)

    def close(self) -> None:
        """End all threads."""
        for model in self.all:
            model.close()
