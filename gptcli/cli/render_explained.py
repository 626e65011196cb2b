"""Explanations for a person: a text tinted by surprisal, what was expected, bars of what may come next."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from gptcli.cli.console import utf8
from gptcli.cli.filling import filled, listed, percent
from gptcli.cli.renderer import Renderer
from gptcli.cli.surface import Fragment, Line, Style, Surface
from gptcli.cli.units import width
from gptcli.tasks.explain_events import (
    ExplainedText,
    ExplainedToken,
    NextToken,
    RowCompared,
    RowContinued,
    RowExplained,
    bits_of,
)

MOST_SURPRISING = 5
STEPS_BITS = (3.0, 6.0, 9.0, 12.0, 15.0)
"""A token is tinted from 3 bits on (a chance of 1 in 8), and in steps of 1 in 8 more."""
GAIN_STEPS_BITS = (0.5, 2.0, 5.0)
WIDEST_TOKEN = 24
WIDEST_BAR = 40
LINES_OF_TEXT = 5
"""Of the text in front of its next tokens."""
WITH_BEGINNING = "behind the beginning-of-text token"
"""How texts are scored, as by evaluate: a text's first token has a probability."""
WITHOUT_BEGINNING = "no beginning-of-text token"
"""How a text is continued, as by generate: so the same next token has another probability."""

Row = TypeVar("Row", RowExplained, RowCompared, RowContinued)


class View(Renderer[Row], ABC, Generic[Row]):
    """Lines of a row, one blank line behind all but the last."""

    coloured = True

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self._begun = False

    def result(self, result: Row) -> bytes:
        """Return the lines."""
        between = "\n" if self._begun else ""
        self._begun = True
        return utf8(between + self.surface.text(self.lines(result)))

    @abstractmethod
    def lines(self, row: Row) -> list[Line]:
        """Return the lines of a row."""


class SurprisalView(View[RowExplained]):
    """A text tinted by its surprisal, its total, and its most surprising tokens."""

    def lines(self, row: RowExplained) -> list[Line]:
        """Return text, total and table."""
        text = row.explained
        tinted = [(_tint(bits), piece) for piece, bits in _characters(text)]
        legend = self._legend() if any(style for style, _ in tinted) else []
        return [*self.surface.tinted(tinted), *totals(text, self.surface), *legend, *self._table(text)]

    def _legend(self) -> list[Line]:
        """Return what the tints say, or the brackets where there are none."""
        if self.surface.palette == "none":
            return [[("", f"[{STEPS_BITS[2]:g} bits or more]")]]
        steps = zip(_STEPS[1:], STEPS_BITS, strict=True)
        return [[("faint", "bits:"), *(part for style, step in steps for part in (("", " "), (style, f"{step:g}")))]]

    def _table(self, text: ExplainedText) -> list[Line]:
        scored = [token for token in text.scored if token.logprob is not None]
        most = sorted(scored, key=lambda token: token.logprob or 0.0)[:MOST_SURPRISING]
        if not most:
            return []
        room = max(width(self.surface.quoted(token.text)) for token in most)
        room = max(5, min(room, WIDEST_TOKEN, self.surface.columns - 6))
        head = f"{'bits':>5} {self.surface.fitted('token', room)}"
        lines: list[Line] = [[], [("faint", f"{head} expected"[: self.surface.columns])]]
        for token in most:
            bits = token.bits or 0.0
            quoted = self.surface.fitted(self.surface.quoted(token.text), room)
            left = self.surface.columns - 7 - room
            lines.append([("", f"{bits:5.1f} "), (_tint(bits), quoted), ("", f" {self._expected(token, left)}")])
        return lines

    def _expected(self, token: ExplainedToken, room: int) -> str:
        """Return as many of the expected tokens as there is room for."""
        return listed([(likely.text, math.exp(likely.logprob)) for likely in token.top], self.surface, room)


class ComparedView(View[RowCompared]):
    """A text tinted by what a model finds likelier than another, and by what less likely; and the most of both."""

    def __init__(self, surface: Surface, *, versus: str) -> None:
        super().__init__(surface)
        self._versus = versus

    def lines(self, row: RowCompared) -> list[Line]:
        """Return text, totals and table."""
        others = [bits for _, bits in _characters(row.other)]
        pieces = [
            (_gain_tint(other - bits), piece)
            for (piece, bits), other in zip(_characters(row.explained), others, strict=True)
        ]
        return [*self.surface.tinted(pieces), *self._totals(row), *self._table(row)]

    def _totals(self, row: RowCompared) -> list[Line]:
        ours, theirs = row.explained.figures, row.other.figures
        parts = [
            f"{ours.total:,.1f} bits, {theirs.total:,.1f} by {self.surface.shown(self._versus)}",
            f"gain {theirs.total - ours.total:+,.1f}",
            *([f"{(theirs.total - ours.total) / ours.tokens:+.2f} a token"] if ours.tokens else []),
        ]
        bracketed = self.surface.bracketed
        legend: Line = [("+3", bracketed("+3", "likelier")), ("", " "), ("-3", bracketed("-3", "less"))]
        return [[], *filled(parts, self.surface), legend]

    def _table(self, row: RowCompared) -> list[Line]:
        pairs = [
            (theirs.bits - ours.bits, ours, theirs)
            for ours, theirs in zip(row.explained.tokens, row.other.tokens, strict=True)
            if ours.bits is not None and theirs.bits is not None
        ]
        ordered = sorted(pairs, key=lambda pair: -pair[0])
        gains = [pair for pair in ordered if pair[0] > 0][:MOST_SURPRISING]
        losses = [pair for pair in ordered if pair[0] < 0][-MOST_SURPRISING:]
        if not gains and not losses:
            return []
        lines: list[Line] = [[], [("faint", " gain  bits   was token"[: self.surface.columns])]]
        for gain, ours, theirs in [*gains, *losses]:
            numbers = f"{gain:+5.1f} {ours.bits:5.1f} {theirs.bits:5.1f} "
            room = max(4, min(WIDEST_TOKEN, self.surface.columns - len(numbers)))
            quoted = self.surface.fitted(self.surface.quoted(ours.text), room).rstrip()
            lines.append([("", numbers), (_gain_tint(gain), quoted)])
        return lines


class NextView(View[RowContinued]):
    """The likeliest next tokens as bars: solid what is drawn, faint what the options take away."""

    def lines(self, row: RowContinued) -> list[Line]:
        """Return the end of the text, a line a token, and what is kept."""
        surface = self.surface
        texts = [surface.quoted(one.text) for one in row.likely]
        room = max(4, min(max(map(width, texts)), WIDEST_TOKEN, surface.columns - 8))
        bars = min(WIDEST_BAR, surface.columns - room - 8)
        scale = max(one.probability for one in row.likely)
        lines = self._end_of(row.text)
        for one, text in zip(row.likely, texts, strict=True):
            lines.append(
                [("", f"{percent(one.probability):>6} {surface.fitted(text, room)} "), *self._bar(one, scale, bars)]
            )
        kept = "1 token kept" if row.kept == 1 else f"{row.kept:,} tokens kept"
        facts = [f"{row.entropy / math.log(2):.1f} bits of entropy", kept]
        return [*lines, [], *filled([*facts, *([WITHOUT_BEGINNING] if row.text else [])], surface)]

    def _end_of(self, text: str) -> list[Line]:
        """Return the lines of a text that its next tokens are seen behind; of a long one the last few."""
        most = self.surface.columns * LINES_OF_TEXT
        lines = self.surface.tinted([("bold", text[-most:])]) if text else []
        if len(text) <= most and len(lines) <= LINES_OF_TEXT:
            return lines
        return [[("faint", "…" if self.surface.unicode else "...")], *lines[-LINES_OF_TEXT:]]

    def _bar(self, one: NextToken, scale: float, room: int) -> list[Fragment]:
        if room < 1:
            return []
        if not one.drawn:
            mark = "░" if self.surface.unicode else "."
            return [("faint", mark * round(one.probability / scale * room))]
        return [("", self.surface.bar(one.probability / scale, room))]


def totals(text: ExplainedText, surface: Surface) -> list[Line]:
    """Return a text's figures behind a blank line."""
    figures = text.figures
    parts = [f"{figures.total:,.1f} bits"]
    if figures.bits_per_byte is not None:
        parts.append(f"{figures.bits_per_byte:.2f} bits a byte")
    parts.append("1 token" if len(text.tokens) == 1 else f"{len(text.tokens):,} tokens")
    first_is_scored = bool(text.tokens) and text.tokens[0].logprob is not None
    return [[], *filled([*parts, *([WITH_BEGINNING] if first_is_scored else [])], surface)]


def _characters(text: ExplainedText) -> list[tuple[str, float]]:
    """Return the text in pieces of whole characters with their bits, those of several tokens summed."""
    pieces = []
    bits = 0.0
    for token in text.tokens:
        bits += bits_of(token.logprob or 0.0)
        if token.end > token.start:
            pieces.append((text.text[token.start : token.end], bits))
            bits = 0.0
    return pieces


def _tint(bits: float) -> Style:
    return _STEPS[sum(bits >= step for step in STEPS_BITS)]


def _gain_tint(gain: float) -> Style:
    strength = sum(abs(gain) >= step for step in GAIN_STEPS_BITS)
    return (_GAINS if gain > 0 else _LOSSES)[strength]


_STEPS: Sequence[Style] = ("", "1", "2", "3", "4", "5")
_GAINS: Sequence[Style] = ("", "+1", "+2", "+3")
_LOSSES: Sequence[Style] = ("", "-1", "-2", "-3")
