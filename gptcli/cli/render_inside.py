"""What is inside a model, on a terminal: heads at a glance, one head, the layers' predictions, a token's advocates."""

import math
from collections.abc import Iterator, Sequence

from gptcli.cli.filling import filled, listed
from gptcli.cli.render_explained import WITHOUT_BEGINNING
from gptcli.cli.surface import Fragment, Line, Style, Surface
from gptcli.cli.units import width
from gptcli.engine.backend import Floats
from gptcli.tasks.drawing_inside import attributed
from gptcli.tasks.inside import AttributionInside, HeadInside, HeadsInside, Inside, LensInside

WIDEST_TOKEN = 24
MOST_LOOKED_AT = 5
LEAST_WEIGHT = 0.05
WIDEST_BAR = 30
LEAST_TOKENS = 3
"""Of a text that tells where heads look: in a shorter one the first token and the one before are the same."""
HABITS = {"f": "the first token", "p": "the token before", "s": "the token itself", ".": "elsewhere"}


def inside_lines(found: Inside, surface: Surface) -> list[Line]:
    """Return what was found as lines that fit the surface."""
    match found:
        case HeadsInside():
            return _heads(found, surface)
        case HeadInside():
            return _head(found, surface)
        case LensInside():
            return _lens(found, surface)
        case AttributionInside():
            return _attribution(found, surface)
    raise TypeError(f"no lines for {type(found).__name__}")


def habit(weights: Floats) -> str:
    """Return where a head mostly looks, (tokens, tokens), as a letter of HABITS; in upper case above three quarters.

    A text of LEAST_TOKENS or more is needed; of its first two tokens nothing can be told.
    """
    rows = weights[2:]
    shares = {
        "f": float(rows[:, 0].mean()),
        "p": float(rows.diagonal(1).mean()),
        "s": float(rows.diagonal(2).mean()),
    }
    letter = max(shares, key=lambda name: shares[name])
    if shares[letter] < 0.5:
        return "."
    return letter.upper() if shares[letter] >= 0.75 else letter


def _heads(found: HeadsInside, surface: Surface) -> list[Line]:
    if len(found.tokens) < LEAST_TOKENS:
        told = ["where heads mostly look is told of three tokens or more", "--layer L --head H tells of one head"]
        return filled([*told, WITHOUT_BEGINNING], surface)
    heads = found.trace.config.n_head
    named = "head 0" if heads == 1 else f"heads 0 to {heads - 1}"
    lines = surface.tinted([("faint", f"layer  {named}")])
    for layer in range(found.trace.config.n_layer):
        lines += _layer(layer, [habit(head) for head in found.trace.attention(layer)], surface)
    habits = [f"{letter} {what}" for letter, what in HABITS.items()]
    habits[0] = f"Mostly looks at: {habits[0]}"
    return [*lines, [], *filled([*habits, "capitals: by three quarters", WITHOUT_BEGINNING], surface)]


def _layer(layer: int, letters: Sequence[str], surface: Surface) -> Iterator[Line]:
    """Yield the lines of a layer's heads, several where they do not fit into one."""
    before = f"{layer:>5}  "
    room = surface.columns - len(before)
    gap, most = (" ", len(letters)) if 2 * len(letters) <= room + 1 else ("", max(room, 1))
    for begin in range(0, len(letters), most):
        yield [("faint", before), *_letters(letters[begin : begin + most], gap)]
        before = " " * len(before)


def _letters(row: Sequence[str], gap: str) -> list[Fragment]:
    tints: dict[str, Style] = {"F": "4", "f": "2", "P": "+3", "p": "+2", "S": "-2", "s": "-1"}
    return [fragment for letter in row for fragment in ((tints.get(letter, ""), letter), ("", gap))]


def _head(found: HeadInside, surface: Surface) -> list[Line]:
    room = _token_room(found.tokens, surface)
    lines = surface.tinted([("faint", f"layer {found.layer}, head {found.head}: where each token looks")])
    for text, weights in zip(found.tokens, found.weights.tolist(), strict=True):
        first, *others = sorted(range(len(weights)), key=lambda place: -weights[place])[:MOST_LOOKED_AT]
        places = [first, *(place for place in others if weights[place] >= LEAST_WEIGHT)]
        seen = [(found.tokens[place], weights[place]) for place in places]
        said = listed(seen, surface, surface.columns - room - 1)
        lines.append([("", f"{surface.fitted(surface.quoted(text), room)} {said}")])
    return lines


def _lens(found: LensInside, surface: Surface) -> list[Line]:
    """Return what each layer predicts behind the text."""
    lines: list[Line] = [[("faint", "layer bits predicts"[: surface.columns])]]
    layers = found.positions[-1]
    for layer in layers:
        before = f"{layer.layer:>5} {layer.entropy / math.log(2):4.1f} "
        likeliest = [(found.texts[token], probability) for token, probability in layer.top]
        said = listed(likeliest, surface, surface.columns - len(before))
        lines.append([("bold" if layer is layers[-1] else "", before + said)])
    told = [
        "layer 0 is the embeddings",
        f"{layers[-1].layer} the model's own prediction",
        "bits: entropy",
        WITHOUT_BEGINNING,
    ]
    return [*lines, [], *filled(told, surface)]


def _attribution(found: AttributionInside, surface: Surface) -> list[Line]:
    text = attributed(found)
    scores = text.scores.tolist()
    numbers = [f"{score:+.2f}" for score in scores]
    digits = max(6, *map(len, numbers))
    room = _token_room(text.tokens, surface)
    bars = min(WIDEST_BAR, surface.columns - room - digits - 2)
    lines: list[Line] = []
    for token, score, number in zip(text.tokens, scores, numbers, strict=True):
        share = score / text.largest
        line: Line = [("", f"{number:>{digits}} "), (_strength(share), surface.fitted(surface.quoted(token), room))]
        if bars > 0:
            line.append(("" if score > 0 else "faint", f" {surface.bar(abs(share), bars)}"))
        lines.append(line)
    told = [
        f"for {surface.quoted(text.target)}: {text.method}, nats",
        f"log probability {text.logprob:.2f}",
        f"of the baseline {text.baseline_logprob:.2f}",
        f"the scores sum to {sum(scores):+.2f}",
    ]
    if text.completeness_error is not None:
        told.append(f"{text.completeness_error:.2%} off the difference")
    return [*lines, [], *filled([*told, WITHOUT_BEGINNING], surface)]


def _strength(share: float) -> Style:
    strengths: tuple[Style, ...] = ("", "+1", "+2", "+3") if share > 0 else ("", "-1", "-2", "-3")
    return strengths[sum(abs(share) >= step for step in (0.1, 0.4, 0.7))]


def _token_room(tokens: Sequence[str], surface: Surface) -> int:
    widest = max(width(surface.quoted(token)) for token in tokens)
    return max(4, min(widest, WIDEST_TOKEN, surface.columns // 3))
