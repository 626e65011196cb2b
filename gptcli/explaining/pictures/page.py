"""Write what an explanation shows as one page that needs nothing but itself, for a person to explore.

The page's own files are in gptcli/explaining/page. What a text or a model says goes into it as JSON, or escaped.
"""

import base64
import hashlib
import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from gptcli.data.atomic import write_atomically
from gptcli.data.output import cannot_write
from gptcli.engine.backend import Floats
from gptcli.explaining.pictures.contents import AttributedText, Guess, LensTable, Page, PageAttention, PageToken

SCRIPTS = ("looks.js", "maps.js", "panels.js", "explore.js")
MOST_WEIGHTS = 3_000_000
"""Of attention, in all: 8 MB of the file, 203 tokens of the smallest GPT-2's 144 heads."""


def attention_tokens(layers: int, heads: int, tokens: int) -> int:
    """Return of how many of a text's tokens, from its first, the page has room for the attention of all heads.

    What is cut are later tokens: they change nothing in how earlier ones look.
    """
    each = MOST_WEIGHTS // (layers * heads)
    return max(1, min(tokens, int(((8 * each + 1) ** 0.5 - 1) / 2)))  # n (n + 1) / 2 weights of n tokens


def write_page(path: Path, page: Page) -> None:
    """Write the page; raises OutputError."""
    try:
        write_atomically(str(path), render(page).encode(errors="replace"))
    except OSError as error:
        raise cannot_write(str(path), error) from error


def render(page: Page) -> str:
    """Return the page as HTML."""
    script = "{\n" + "\n".join(_file(name) for name in SCRIPTS) + "}"
    style = "\n" + _file("page.css")
    return Template(_file("page.html")).substitute(
        # Of scripts and styles these two run and no other, whatever might have got into the page.
        policy=f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        title=html.escape(f"What {page.model} makes of a text"),
        summary=html.escape(_summary(page)),
        style=style,
        text=html.escape("".join(token.text for token in page.tokens)),
        data=_embedded(
            {
                "tokens": [_token(token) for token in page.tokens],
                "attention": None if page.attention is None else _attention(page.attention),
                "lens": None if page.lens is None else _lens(page.lens),
                "attributions": [_attribution(found) for found in page.attributions],
                "notes": [*page.notes],
            }
        ),
        script=script,
    )


def _file(name: str) -> str:
    return (files("gptcli.explaining") / "page" / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return what a Content-Security-Policy calls an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _embedded(value: object) -> str:
    r"""Return JSON that stands within a script element: no < can end it, half of a surrogate pair reads \udXXX."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _summary(page: Page) -> str:
    told = f"{len(page.tokens):,} token{'' if len(page.tokens) == 1 else 's'}, {page.bits:,.1f} bits"
    return told if page.bits_per_byte is None else f"{told}, {page.bits_per_byte:.2f} bits per byte"


def _token(token: PageToken) -> dict[str, object]:
    return {
        "text": token.text,
        "bits": _rounded(token.bits),
        "rank": token.rank,
        "entropy": _rounded(token.entropy_bits),
        "expected": [_guess(guess) for guess in token.expected],
    }


def _guess(guess: Guess) -> tuple[str, float | None]:
    return guess.text, _rounded(guess.probability)


def _rounded(number: float | None) -> float | None:
    """Return a number with as many digits as a person could look at: they are most of the file."""
    return None if number is None else float(f"{number:.5g}")


def _lens(table: LensTable) -> list[list[list[tuple[str, float | None]]]]:
    return [[[_guess(guess) for guess in position] for position in layer] for layer in table.layers]


def _attribution(found: AttributedText) -> dict[str, object]:
    return {
        "method": found.method,
        "target": found.target,
        "scores": [_rounded(float(score)) for score in found.scores],
        "largest": _rounded(found.largest),
        "logprob": _rounded(found.logprob),
        "baseline": _rounded(found.baseline_logprob),
        "error": _rounded(found.completeness_error),
    }


def _attention(attention: PageAttention) -> dict[str, object]:
    heads, tokens = attention.layers[0].shape[:2]
    return {
        "layers": len(attention.layers),
        "heads": heads,
        "tokens": tokens,
        "bytes": base64.b64encode(b"".join(map(_packed, attention.layers))).decode(),
    }


def _packed(weights: Floats) -> bytes:
    """Return the lower triangles of a layer's heads, 16 bits a weight: a hundredth of a percent can be told."""
    seen = np.tril_indices(weights.shape[1])
    return np.rint(weights[:, *seen] * 65535).clip(0, 65535).astype("<u2").tobytes()
