"""A model is read no further once nobody waits for what comes of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from gptcli.engine.inspector import LoadedInspector
from gptcli.serving.connection import ClientLeftError
from gptcli.serving.labelling import ToLabel, labelled_in_words
from gptcli.serving.looking import embeddings
from gptcli.serving.schemas.embeddings import EmbeddingsBody
from gptcli.serving.schemas.inspection import SurprisalBody
from gptcli.serving.schemas.scores import ScoreBody
from gptcli.serving.scoring import scores
from gptcli.serving.surprisal import surprisal
from gptcli.serving.wanted import WantedInspector
from tests.inspecting import loaded

MANY = list("abcdefgh")
WORK: dict[str, Callable[[LoadedInspector], BaseModel]] = {
    "score": lambda model: scores(model, ScoreBody(text="Hi", continuation=MANY), "tiny"),
    "classify": lambda model: labelled_in_words(
        model, MANY, ToLabel(texts=["Hi"], model="tiny", tokenizer=model.tokenizer)
    ),
    # A text of many windows was read to its end.
    "surprisal": lambda model: surprisal(model, SurprisalBody(text="abc " * 100), "tiny"),
    "embeddings": lambda model: embeddings(model, EmbeddingsBody(input=MANY), "tiny"),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_nothing_more_is_read_for_who_has_left(tiny: Path, work: Callable[[LoadedInspector], BaseModel]) -> None:
    model = loaded(tiny, "onnx")
    asked = 0

    def still_wanted() -> None:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise ClientLeftError

    with pytest.raises(ClientLeftError):
        work(replace(model, inspector=WantedInspector(model.inspector, still_wanted)))
    assert asked == 4
