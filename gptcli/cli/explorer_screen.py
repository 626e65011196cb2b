"""What the next-token explorer shows, as lines of styled text that fit the screen; knows nothing of keys."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gptcli.cli.filling import filled, percent
from gptcli.cli.surface import Line as PlainLine
from gptcli.cli.surface import Surface
from gptcli.cli.units import width
from gptcli.tasks.explain_events import NextToken
from gptcli.tasks.exploring import Exploration

Line = list[tuple[str, str]]
"""Styles, the names of which the application knows, and texts."""

WIDE = 40
"""Columns from which on both probabilities have room beside the token."""
TEXT_LINES = 5
MOST_SHOWN = 10
FEWEST_SHOWN = 3
WIDEST_TOKEN = 20
WIDEST_BAR = 40
_KEYS = ("t T temperature", "k K top-k", "p P top-p", "r reset", "i type", "q leave")
"""Small letters make an option smaller, capitals larger."""
_KEYS_WITH_ARROWS = ("↑↓ choose", "Enter → take", "Backspace ← return", *_KEYS)
_KEYS_IN_ASCII = ("Up Down choose", "Enter take", "Backspace return", *_KEYS)
KEYS_OF_TYPING = ("Enter add", "Escape throw away")
HEADER: Line = [("faint", "    drawn   model  token")]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is to be shown."""

    text: str
    choices: Sequence[NextToken]
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
        facts.append(f"keeps {found.kept:,} of {exploration.vocab_size:,}")
        facts.append(f"entropy {found.entropy / math.log(2):.1f} bits")
    length = len(exploration.tokens)
    facts.append("text of 1 token" if length == 1 else f"text of {length:,} tokens")
    if exploration.unseen:
        facts.append(f"the model sees the last {exploration.window:,}")
    return View(
        text=exploration.text,
        choices=() if found is None else exploration.choices(found),
        chosen=chosen,
        facts=facts,
        message=message,
    )


def keys_of_looking(surface: Surface) -> Sequence[str]:
    """Return what each key does while no text is typed."""
    return _KEYS_WITH_ARROWS if surface.unicode else _KEYS_IN_ASCII


def draw(view: View, surface: Surface, rows: int, keys: Sequence[str]) -> list[Line]:
    """Return the lines of a view, at most so many: text, candidates, options, and what the keys do."""
    lines = min(TEXT_LINES, max(1, rows // 4))
    text = _text(view, surface, lines)
    message = filled([view.message] if view.message else [], surface)
    header = [HEADER] if surface.columns >= WIDE and view.choices else []
    facts = filled(view.facts, surface)
    legend = filled(keys, surface)
    room = rows - len(text) - len(header) - len(message) - len(facts) - len(legend)
    return [
        *text,
        *_styled("bold", message),
        *header,
        *_choices(view, surface, min(max(room, FEWEST_SHOWN), MOST_SHOWN)),
        *_styled("", facts),
        *_styled("faint", legend),
    ][:rows]


def _text(view: View, surface: Surface, lines: int) -> list[Line]:
    """Return the end of the text in a few lines, with the chosen token behind it as Enter would put it there."""
    preview = surface.shown(view.choices[view.chosen].text) if view.choices else ""
    shown = surface.tinted([("", view.text[-surface.columns * lines :]), ("bold", preview)])
    return [[("preview" if style else "", text) for style, text in line] for line in shown[-lines:]]


def _styled(style: str, lines: Sequence[PlainLine]) -> list[Line]:
    return [[(style, text) for _, text in line] for line in lines]


def _choices(view: View, surface: Surface, count: int) -> Iterator[Line]:
    """Yield a line for each candidate in sight: mark, probabilities, token, bar."""
    first = max(0, view.chosen - count + 1)
    seen = view.choices[first : first + count]
    texts = [surface.quoted(choice.text) for choice in seen]
    most = min(WIDEST_TOKEN, surface.columns * 2 // 5)
    room = max((min(most, width(text)) for text in texts), default=0)
    scale = max((max(choice.probability, choice.drawn) for choice in view.choices), default=1.0)
    for place, (choice, text) in enumerate(zip(seen, texts, strict=True), first):
        is_chosen = place == view.chosen
        before = f"{'>' if is_chosen else ' '}{_numbers(choice, surface)} "
        bars = min(surface.columns - len(before) - room - 1, WIDEST_BAR)
        token = ("chosen" if is_chosen else "", surface.fitted(text, room))
        yield [("", before), token, ("", " "), *_bar(choice, scale, surface, bars)]


def _numbers(choice: NextToken, surface: Surface) -> str:
    """Return with which probability a token is drawn, a dash for none, and where there is room the model's own."""
    if surface.columns < WIDE:
        return _percent_in_4(choice.drawn) if choice.drawn else "   -"
    return f"{percent(choice.drawn) if choice.drawn else '-':>8} {percent(choice.probability):>7} "


def _percent_in_4(probability: float) -> str:
    return " <1%" if probability < 0.005 else f"{probability:>4.0%}"


def _bar(choice: NextToken, scale: float, surface: Surface, room: int) -> Line:
    """Return a bar: solid what is drawn, faint what the model has beyond it and the options take away."""
    if room < 1:
        return []
    solid = surface.bar(choice.drawn / scale, room)
    beyond = round(choice.probability / scale * room) - len(solid)
    return [("kept", solid), ("faint", ("░" if surface.unicode else ".") * beyond)]
