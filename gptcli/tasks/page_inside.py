"""Gather all that the page shows of one text: its surprisal, where heads look, what layers predict, attribution."""

import math

from gptcli.engine.inspector import Trace
from gptcli.explaining.pictures.contents import Guess, Page, PageAttention, PageToken
from gptcli.explaining.pictures.page import attention_tokens
from gptcli.tasks.drawing_inside import attributed, lens_table
from gptcli.tasks.explain_events import ExplainedToken
from gptcli.tasks.explained import explain_text
from gptcli.tasks.inside import InsideConfig, Looking, attribution_inside, lens_inside, read_inside


def whole_page(config: InsideConfig) -> Looking[Page]:
    """Yield how far it is, and return the page; attribution is on it where config.look names a method.

    Raises as look_inside does.
    """
    read = yield from read_inside(config)
    explained = explain_text(read.loaded, read.text, config.top)
    trace = read.loaded.inspector.trace(read.ids)
    attention = _attention(trace)
    kept, tokens = attention.layers[0].shape[-1], len(read.ids)
    notes = [f"the page has the attention of the first {kept:,} of {tokens:,} tokens"] if kept < tokens else []
    wants_attribution = config.look in ("gradient", "integrated")
    attributions = [attributed((yield from attribution_inside(read, config)))] if wants_attribution else []
    return Page(
        model=read.loaded.name,
        tokens=[*map(_token, explained.tokens)],
        bits=explained.figures.total,
        bits_per_byte=explained.figures.bits_per_byte,
        attention=attention,
        lens=lens_table(lens_inside(read, trace, config.top)),
        attributions=attributions,
        notes=notes,
    )


def _attention(trace: Trace) -> PageAttention:
    """Return the attention of as many tokens as the page has room for."""
    config = trace.config
    kept = attention_tokens(config.n_layer, config.n_head, len(trace.hidden))
    layers = [trace.attention(layer)[:, :kept, :kept].copy() for layer in range(config.n_layer)]
    return PageAttention(layers=layers)


def _token(token: ExplainedToken) -> PageToken:
    return PageToken(
        text=token.text,
        bits=token.bits,
        rank=token.rank,
        entropy_bits=None if token.entropy is None else token.entropy / math.log(2),
        expected=[Guess(text=likely.text, probability=math.exp(likely.logprob)) for likely in token.top],
    )
