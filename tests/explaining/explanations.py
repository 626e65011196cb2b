"""Made-up explanations of any length, with tokens as odd as texts hold them."""

from collections.abc import Sequence

import numpy as np

from gptcli.explaining.pictures.contents import (
    AllHeads,
    AttributedText,
    Guess,
    HeadMap,
    LensTable,
    Page,
    PageAttention,
    PageToken,
)

ODD = (
    "Once",
    " upon",
    "\n",
    "\\xe6\\x97",
    "日本",
    " שלום",
    "مرحبا",
    "\x00",
    "\x1b[31m",
    "\ud83d",
    "😀",
    "$x_1$",
    "\u202e",
    "</script><b>&",
    "--> ]]> <!--",
    "W" * 40,
    "",
    "\t",
    " ",
)
LAYERS, HEADS = 3, 4


def odd_tokens(count: int) -> list[str]:
    """Return so many tokens."""
    return [ODD[number % len(ODD)] for number in range(count)]


def weights(tokens: int, seed: int = 0) -> list[np.ndarray]:
    """Return attention of each layer, (heads, tokens, tokens), whose rows sum to one."""
    drawn = np.random.default_rng(seed).random((LAYERS, HEADS, tokens, tokens), np.float32) ** 4 + 1e-3
    drawn *= np.tri(tokens, dtype=np.float32)
    return list(drawn / drawn.sum(axis=-1, keepdims=True))


def all_heads_of(tokens: int, cells: int) -> AllHeads:
    """Return all heads' maps, with fewer cells than tokens."""
    return AllHeads(tokens=tokens, layers=weights(cells))


def head_of(tokens: int) -> HeadMap:
    """Return one head's map."""
    return HeadMap(layer=1, head=2, tokens=odd_tokens(tokens), weights=weights(tokens)[1][2])


def lens_of(tokens: int, layers: int = LAYERS + 1) -> LensTable:
    """Return predictions of every layer at every position."""
    return LensTable(
        tokens=odd_tokens(tokens),
        layers=[[_guesses(layer + place) for place in range(tokens)] for layer in range(layers)],
    )


def attribution_of(tokens: int, method: str = "integrated gradients") -> AttributedText:
    """Return scores, half of which speak against the target."""
    scores = np.array([(-1) ** place * (place % 7) / 3 for place in range(tokens)], np.float32)
    return AttributedText(
        tokens=odd_tokens(tokens),
        target="\n",
        scores=scores,
        method=method,
        logprob=-1.5,
        baseline_logprob=-9.25,
        completeness_error=0.004 if method == "integrated gradients" else None,
    )


def page_of(tokens: int, notes: Sequence[str] = ()) -> Page:
    """Return a page with everything on it."""
    return Page(
        model="some/<model>",
        tokens=[
            PageToken(text=text, bits=None, rank=None, entropy_bits=None)
            if not place
            else PageToken(text=text, bits=place % 20, rank=place, entropy_bits=3.25, expected=_guesses(place))
            for place, text in enumerate(odd_tokens(tokens))
        ],
        bits=123.4,
        bits_per_byte=2.5,
        attention=PageAttention(layers=weights(tokens)),
        lens=lens_of(tokens),
        attributions=[attribution_of(tokens), attribution_of(tokens, "gradient x input")],
        notes=notes,
    )


def _guesses(number: int) -> list[Guess]:
    return [Guess(text=ODD[(number + rank) % len(ODD)], probability=0.9 / 2**rank) for rank in range(3)]
