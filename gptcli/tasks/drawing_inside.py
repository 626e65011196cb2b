"""Draw what was found inside a model, as a PNG or an SVG. Needs the extra "plot"."""

from pathlib import Path

from gptcli.explaining.attention import all_heads
from gptcli.explaining.pictures.attention import MOST_CELLS, draw_all_heads, draw_head
from gptcli.explaining.pictures.attribution import draw_attribution
from gptcli.explaining.pictures.contents import AllHeads, AttributedText, Guess, HeadMap, LensTable
from gptcli.explaining.pictures.lens import draw_lens
from gptcli.tasks.inside import AttributionInside, HeadInside, HeadsInside, Inside, LensInside


def draw(found: Inside, path: Path) -> str | None:
    """Draw a picture; return what was left out, if anything was. Raises MissingExtraError and OutputError."""
    match found:
        case HeadsInside():
            layers = tuple(all_heads(found.trace, MOST_CELLS))
            draw_all_heads(path, AllHeads(tokens=len(found.tokens), layers=layers))
        case HeadInside():
            head = HeadMap(layer=found.layer, head=found.head, tokens=found.tokens, weights=found.weights)
            draw_head(path, head)
        case LensInside():
            return draw_lens(path, lens_table(found))
        case AttributionInside():
            return draw_attribution(path, attributed(found))
    return None


def lens_table(found: LensInside) -> LensTable:
    """Return the layers' predictions as pictures have them: a row each layer."""
    return LensTable(
        tokens=found.tokens,
        layers=[
            [
                [Guess(text=found.texts[token], probability=probability) for token, probability in layer.top]
                for layer in layers
            ]
            for layers in zip(*found.positions, strict=True)
        ],
    )


def attributed(found: AttributionInside) -> AttributedText:
    """Return an attribution as pictures have it."""
    attribution = found.attribution
    complete = attribution.method == "integrated-gradients"
    return AttributedText(
        tokens=found.tokens,
        target=found.target,
        scores=attribution.scores,
        method=attribution.method.replace("-", " "),
        logprob=attribution.logprob,
        baseline_logprob=attribution.baseline_logprob,
        completeness_error=attribution.completeness_error if complete else None,
    )
