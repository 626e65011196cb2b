"""Looking inside a model tells how far it is."""

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.tasks.events import Stage
from gptcli.tasks.inside import InsideConfig, look_inside


def test_integrated_gradients_tell_how_far_they_are() -> None:
    row = Record(source="test", line=1, columns={"text": "The cat"})
    config = InsideConfig(records=[row], look="integrated", model=ModelOptions(model="builtin", device="cpu"))
    told = [event.text for event in look_inside(config) if isinstance(event, Stage)]
    assert any(text.startswith("integrating gradients: 12 taken, ") for text in told)
