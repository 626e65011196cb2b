"""What the next-token explorer shows, as lines of styled text that fit the screen; knows nothing of keys."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompt_toolkit.utils import get_cwidth

from gptcli.cli.explorer_bars import bar, percent, percent_in_4
from gptcli.cli.shown import shown
from gptcli.tasks.exploring import Choice, Exploration

Fragment = tuple[str, str]
"""A style of prompt_toolkit, and a text."""
Line = list[Fragment]

WIDE = 40
"""Columns from which on both probabilities have room beside the token."""
TEXT_LINES = 5
MOST_SHOWN = 10
FEWEST_SHOWN = 3
WIDEST_TOKEN = 20
WIDEST_BAR = 40
_KEYS = ("t T temperature", "k K top-k", "p P top-p", "r reset", "i type", "q leave")
"""Small letters make an option smaller, capitals larger."""
KEYS_WITH_ARROWS = ("↑↓ choose", "Enter → take", "Backspace ← return", *_KEYS)
KEYS_IN_ASCII = ("Up Down choose", "Enter take", "Backspace return", *_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The room that there is, and what it can show."""

    columns: int
    rows: int
    unicode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is to be shown."""

    text: str
    choices: Sequence[Choice]
    chosen: int
    """The place of the choice that Enter takes."""
    facts: Sequence[str]
    message: str


def view(exploration: Exploration, *, chosen: int, message: str) -> View:
    """Return what is to be shown of an exploration."""
    found = exploration.candidates()
    options = exploration.options
    facts = [f"temperature {options.temperature:g}", f"top-k {options.top_k or 'all'}", f"top-p {options.top_p:g}"]
    facts += [f"min-p {options.min_p:g}"] if options.min_p else []
    if found is not None:
        facts.append(f"keeps {found.kept:,} of {exploration.vocab_size:,} tokens")
        facts.append(f"entropy {found.entropy / math.log(2):.1f} bits")
    facts.append(f"text of {len(exploration.tokens):,} tokens")
    if exploration.unseen:
        facts.append(f"the model sees the last {exploration.window:,}")
    return View(
        text=exploration.text,
        choices=() if found is None else exploration.choices(found),
        chosen=chosen,
        facts=facts,
        message=message,
    )


def draw(view: View, screen: Screen) -> list[Line]:
    """Return the lines of a view, at most as many as the screen has: text, candidates, options, keys."""
    facts = _filled(view.facts, screen.columns)
    keys = _filled(KEYS_WITH_ARROWS if screen.unicode else KEYS_IN_ASCII, screen.columns)
    message = _filled([view.message], screen.columns) if view.message else []
    text = _text(view, screen)
    header = [_header()] if screen.columns >= WIDE and view.choices else []
    room = screen.rows - len(text) - len(header) - len(message) - len(facts) - len(keys)
    return [
        *text,
        *([("bold", line)] for line in message),
        *header,
        *_choices(view, screen, min(max(room, FEWEST_SHOWN), MOST_SHOWN)),
        *([("", line)] for line in facts),
        *([("class:faint", line)] for line in keys),
    ][: screen.rows]


def _text(view: View, screen: Screen) -> list[Line]:
    """Return the end of the text in a few lines, with the chosen token behind it as Enter would put it there."""
    lines = min(TEXT_LINES, max(1, screen.rows // 4))
    parts = view.text[-screen.columns * lines :].split("\n")
    pieces = [[("", shown(part, unicode=screen.unicode))] for part in parts]
    if view.choices:
        pieces[-1].append(("underline", shown(view.choices[view.chosen].text, unicode=screen.unicode)))
    return [line for piece in pieces for line in _wrapped(piece, screen.columns)][-lines:]


def _wrapped(piece: Sequence[Fragment], columns: int) -> Iterator[Line]:
    """Yield the lines of a text that is cut wherever a line is full."""
    line: Line = []
    used = 0
    for style, text in piece:
        for character in text:
            width = get_cwidth(character)
            if used + width > columns:
                yield line
                line, used = [], 0
            if line and line[-1][0] == style:
                line[-1] = (style, line[-1][1] + character)
            else:
                line.append((style, character))
            used += width
    yield line


def _header() -> Line:
    return [("class:faint", "    drawn   model  token")]


def _choices(view: View, screen: Screen, count: int) -> Iterator[Line]:
    """Yield a line for each candidate in sight: mark, probabilities, token, bar."""
    first = max(0, view.chosen - count + 1)
    seen = view.choices[first : first + count]
    texts = [f'"{shown(choice.text, unicode=screen.unicode)}"' for choice in seen]
    wide = screen.columns >= WIDE
    most = min(WIDEST_TOKEN, screen.columns * 2 // 5)
    room = max((min(most, get_cwidth(text)) for text in texts), default=0)
    scale = max((max(choice.probability, choice.drawn) for choice in view.choices), default=1.0)
    for place, (choice, text) in enumerate(zip(seen, texts, strict=True), first):
        mark = ">" if place == view.chosen else " "
        numbers = (
            f"{percent(choice.drawn):>8} {percent(choice.probability):>7}  " if wide else percent_in_4(choice.drawn)
        )
        before = f"{mark}{numbers}{'' if wide else ' '}"
        line = [("", before), ("reverse" if place == view.chosen else "", _fitted(text, room, unicode=screen.unicode))]
        left = min(screen.columns - len(before) - room - 1, WIDEST_BAR)
        solid, track = bar(choice, scale=scale, width=left, unicode=screen.unicode)
        yield [*line, ("", " "), ("class:kept", solid), ("class:faint", track)]


def _fitted(text: str, room: int, *, unicode: bool) -> str:
    """Return a text in exactly so many columns, with a mark where it was cut."""
    if get_cwidth(text) > room:
        while text and get_cwidth(text) >= room:
            text = text[:-1]
        text += ("…" if unicode else "~")[:room]
    return text + " " * (room - get_cwidth(text))


def _filled(parts: Sequence[str], columns: int) -> list[str]:
    """Return parts in lines, with no part cut that fits into one."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= columns:
            lines[-1] += f"  {part}"
        else:
            lines.extend(textwrap.wrap(part, columns))
    return lines
