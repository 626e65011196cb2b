"""Looking inside a model: the page says what each view says, and how far it is is told."""

import math
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import pytest

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.explaining.pictures.contents import Page
from gptcli.tasks.drawing_inside import attributed, lens_table
from gptcli.tasks.events import Stage
from gptcli.tasks.explain import explain
from gptcli.tasks.explain_config import TokensConfig
from gptcli.tasks.explain_events import RowExplained
from gptcli.tasks.inside import InsideConfig, Looking, look_inside
from gptcli.tasks.page_inside import whole_page

BUILTIN = ModelOptions(model="builtin", device="cpu")


def rows() -> Iterable[Record]:
    """Return the text that is looked at."""
    return [Record(source="test", line=1, columns={"text": "The cat sat."})]


def found(looking: Looking[Any], told: list[str] | None = None) -> Any:
    """Return what is found, and put what is told on the way into a list."""

    def followed() -> Generator[Any, None, Any]:
        return (yield from looking)

    following = followed()
    while True:
        try:
            event = next(following)
        except StopIteration as end:
            return end.value
        if told is not None and isinstance(event, Stage):
            told.append(event.text)


def test_the_page_says_what_each_view_says() -> None:
    page: Page = found(whole_page(InsideConfig(records=rows(), look="gradient", model=BUILTIN, top=3)))
    told = explain(TokensConfig(records=rows(), model=BUILTIN, top=3))
    (row,) = [event for event in told if isinstance(event, RowExplained)]
    assert page.bits == row.explained.figures.total
    assert [token.bits for token in page.tokens] == [token.bits for token in row.explained.tokens]
    heads = found(look_inside(InsideConfig(records=rows(), look="attention", model=BUILTIN)))
    for layer, weights in enumerate(page.attention.layers):
        np.testing.assert_allclose(weights, heads.trace.attention(layer), atol=1e-6)
    lens = lens_table(found(look_inside(InsideConfig(records=rows(), look="lens", model=BUILTIN, top=3))))
    assert page.lens == lens
    (gradient,) = page.attributions
    alone = attributed(found(look_inside(InsideConfig(records=rows(), look="gradient", model=BUILTIN))))
    np.testing.assert_allclose(gradient.scores, alone.scores, rtol=1e-4)
    assert gradient.target == alone.target == page.lens.layers[-1][-1][0].text
    assert math.exp(gradient.logprob) == pytest.approx(page.lens.layers[-1][-1][0].probability, rel=1e-4)


def test_integrated_gradients_tell_how_far_they_are() -> None:
    told: list[str] = []
    found(look_inside(InsideConfig(records=rows(), look="integrated", model=BUILTIN)), told)
    assert any(text.startswith("integrating gradients: 12 taken, ") for text in told)
