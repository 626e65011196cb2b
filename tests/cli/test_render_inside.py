"""What is inside a model fits any terminal, and every figure that matters is still there."""

from collections.abc import Sequence

import numpy as np
import pytest

from gptcli.cli.render_inside import inside_lines
from gptcli.cli.surface import Surface
from gptcli.cli.units import width
from gptcli.explaining.attribution import Attribution, Method
from gptcli.explaining.lens import LayerPrediction
from gptcli.tasks.inside import AttributionInside, HeadInside, HeadsInside, Inside, LensInside
from tests.explaining.fake import trace_of

TOKENS = ("The", " old", " king", " looked", " extraordinarily", "日本語")
SCORES = (0.5, -0.25, 0.0, 120.0, -300.125, 1.0)


def shown(found: Inside, columns: int) -> list[str]:
    """Return the lines on a terminal without colours."""
    surface = Surface(columns=columns, unicode=True, palette="none")
    return surface.text(inside_lines(found, surface)).splitlines()


def heads_of(heads: int, tokens: int = 4) -> HeadsInside:
    """Return two layers whose heads look at all tokens alike."""
    nothing = [np.zeros((heads, tokens, 1), np.float32)] * 2
    trace = trace_of(nothing, nothing, np.zeros((3, tokens, heads), np.float32))
    return HeadsInside(model="m", tokens=TOKENS[:tokens], trace=trace)


def head_of() -> HeadInside:
    """Return a head of which each token looks at itself."""
    weights = np.eye(len(TOKENS), dtype=np.float32)
    return HeadInside(model="m", tokens=TOKENS, layer=11, head=7, weights=weights)


def lens_of(top: Sequence[tuple[int, float]]) -> LensInside:
    """Return a layer that predicts these tokens behind all."""
    layer = LayerPrediction(layer=0, top=tuple(top), entropy=1.0)
    return LensInside(model="m", tokens=TOKENS, positions=((layer,),), texts=dict(enumerate(TOKENS)))


def attribution_of(method: Method, scores: Sequence[float] = SCORES) -> AttributionInside:
    """Return scores of all tokens for the next one."""
    attribution = Attribution(
        method=method,
        target=1,
        scores=np.array(scores, np.float32),
        logprob=-2.0,
        baseline_logprob=-9.0,
        gradients=1,
    )
    return AttributionInside(model="m", tokens=TOKENS, target=" sea", attribution=attribution)


@pytest.mark.parametrize("columns", [10, 20, 23, 40, 80])
@pytest.mark.parametrize(
    "found",
    [
        *map(heads_of, (1, 12, 16, 25)),
        heads_of(12, tokens=2),
        head_of(),
        lens_of([(4, 0.5), (1, 0.1)]),
        attribution_of("integrated-gradients"),
    ],
    ids=["1 head", "12 heads", "16 heads", "25 heads", "2 tokens", "a head", "lens", "attribution"],
)
def test_every_line_fits_its_terminal(found: Inside, columns: int) -> None:
    assert max(map(width, shown(found, columns))) <= max(columns, 16)


@pytest.mark.parametrize("heads", [12, 16, 25])
def test_each_head_has_its_letter_on_a_narrow_terminal(heads: int) -> None:
    lines = shown(heads_of(heads), 20)
    letters = [line[7:] for line in lines[1 : lines.index("")]]
    assert "".join(letters) == "." * heads * 2


def test_a_lone_head_is_one_head() -> None:
    assert shown(heads_of(1), 80)[:2] == ["layer  head 0", "    0  ."]


def test_of_two_tokens_no_habit_is_told() -> None:
    """All heads had a dot, "elsewhere", though there is nowhere else."""
    told = " ".join(shown(heads_of(4, tokens=2), 80))
    assert "three tokens" in told
    assert "elsewhere" not in told


def test_a_narrow_terminal_has_the_weight_of_what_is_looked_at_most() -> None:
    """At 20 columns there were tokens only."""
    lines = shown(head_of(), 20)
    assert " ".join(lines[:3]) == "layer 11, head 7: where each token looks"
    assert [line[-6:] for line in lines[3:]] == ["100.0%"] * len(TOKENS)


def test_a_narrow_terminal_has_as_much_of_a_predicted_token_as_has_room() -> None:
    assert shown(lens_of([(4, 0.5)]), 25)[1] == '    0  1.4 " extra… 50.0%'


def test_scores_stand_below_each_other_however_large() -> None:
    lines = shown(attribution_of("gradient-x-input"), 80)[: len(TOKENS)]
    assert {line.index('"') for line in lines} == {8}
    assert [line.split()[0] for line in lines] == ["+0.50", "-0.25", "+0.00", "+120.00", "-300.12", "+1.00"]


def test_how_far_integrated_gradients_are_complete_is_told() -> None:
    """The picture said so, the terminal did not."""
    told = " ".join(shown(attribution_of("integrated-gradients", [1, 2, 3, 0.5, 0.25, 0.25]), 80)[-3:])
    assert "the scores sum to +7.00, 0.00% off the difference" in told
    told = " ".join(shown(attribution_of("gradient-x-input", [1, 2, 3, 0, 0, 0]), 80)[-3:])
    assert "the scores sum to +6.00" in told
    assert "off the difference" not in told
