"""What is inside a model, on a terminal: heads at a glance, one head, the layers' predictions, a token's advocates."""

import math
from collections.abc import Sequence

from gptcli.cli.render_explained import WITHOUT_BEGINNING, filled, percent
from gptcli.cli.surface import Fragment, Line, Style, Surface
from gptcli.cli.units import width
from gptcli.tasks.inside import AttributionInside, HeadInside, HeadsInside, Inside, LensInside

WIDEST_TOKEN = 24
MOST_LOOKED_AT = 5
LEAST_WEIGHT = 0.05
WIDEST_BAR = 30
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


def habit(weights: Sequence[Sequence[float]]) -> str:
    """Return where a head mostly looks, (tokens, tokens), as a letter of HABITS; in upper case above three quarters.

    Of the first two tokens nothing can be told: their first token and the one before are the same.
    """
    rows = range(2, len(weights))
    if not rows:
        return "."
    shares = {
        "f": math.fsum(weights[row][0] for row in rows) / len(rows),
        "p": math.fsum(weights[row][row - 1] for row in rows) / len(rows),
        "s": math.fsum(weights[row][row] for row in rows) / len(rows),
    }
    letter = max(shares, key=lambda name: shares[name])
    if shares[letter] < 0.5:
        return "."
    return letter.upper() if shares[letter] >= 0.75 else letter


def _heads(found: HeadsInside, surface: Surface) -> list[Line]:
    layers = range(found.trace.config.n_layer)
    letters = [[habit(head.tolist()) for head in found.trace.attention(layer)] for layer in layers]
    heads = len(letters[0])
    gap = " " if 6 + 2 * heads <= surface.columns else ""
    lines: list[Line] = [[("faint", f"layer  heads 0 to {heads - 1}"[: surface.columns])]]
    for layer, row in enumerate(letters):
        lines.append([("faint", f"{layer:>5}  "), *_letters(row, gap)])
    told = [f"{letter} {what}" for letter, what in HABITS.items()]
    told[0] = f"Mostly looks at: {told[0]}"
    return [*lines, [], *filled([*told, "capitals: by three quarters", WITHOUT_BEGINNING], surface)]


def _letters(row: Sequence[str], gap: str) -> list[Fragment]:
    tints: dict[str, Style] = {"F": "4", "f": "2", "P": "+3", "p": "+2", "S": "-2", "s": "-1"}
    return [fragment for letter in row for fragment in ((tints.get(letter, ""), letter), ("", gap))]


def _head(found: HeadInside, surface: Surface) -> list[Line]:
    room = _token_room(found.tokens, surface)
    lines: list[Line] = [
        [("faint", f"layer {found.layer}, head {found.head}: where each token looks"[: surface.columns])]
    ]
    for text, weights in zip(found.tokens, found.weights.tolist(), strict=True):
        order = sorted(range(len(weights)), key=lambda place: -weights[place])[:MOST_LOOKED_AT]
        left = surface.columns - room - 1
        said = ""
        for place in order:
            more = f"{surface.quoted(found.tokens[place])} {percent(weights[place])}"
            longer = f"{said}, {more}" if said else more
            if width(longer) > left or (said and weights[place] < LEAST_WEIGHT):
                break
            said = longer
        said = said or surface.fitted(surface.quoted(found.tokens[order[0]]), left)
        lines.append([("", f"{surface.fitted(surface.quoted(text), room)} {said}")])
    return lines


def _lens(found: LensInside, surface: Surface) -> list[Line]:
    """Return what each layer predicts behind the text."""
    lines: list[Line] = [[("faint", "layer bits predicts"[: surface.columns])]]
    layers = found.positions[-1]
    for layer in layers:
        before = f"{layer.layer:>5} {layer.entropy / math.log(2):4.1f} "
        left = surface.columns - len(before)
        said = ""
        for token, probability in layer.top:
            more = f"{surface.quoted(found.texts[token])} {percent(probability)}"
            longer = f"{said}, {more}" if said else more
            if width(longer) > left:
                break
            said = longer
        if not said and layer.top:
            said = surface.fitted(surface.quoted(found.texts[layer.top[0][0]]), left)
        lines.append([("bold" if layer is layers[-1] else "", before + said)])
    told = [
        "layer 0 is the embeddings",
        f"{layers[-1].layer} the model's own prediction",
        "bits: entropy",
        WITHOUT_BEGINNING,
    ]
    return [*lines, [], *filled(told, surface)]


def _attribution(found: AttributionInside, surface: Surface) -> list[Line]:
    attribution = found.attribution
    scores = attribution.scores.tolist()
    largest = max(map(abs, scores)) or 1.0
    room = _token_room(found.tokens, surface)
    bars = min(WIDEST_BAR, surface.columns - room - 8)
    lines: list[Line] = []
    for text, score in zip(found.tokens, scores, strict=True):
        style: Style = "+2" if score > 0 else "-2"
        line: Line = [("", f"{score:+6.2f} "), (_strength(score / largest), surface.fitted(surface.quoted(text), room))]
        if bars > 0:
            mark = surface.bar(abs(score) / largest, bars)
            line.append(("", f" {mark}") if style == "+2" else ("faint", f" {mark}"))
        lines.append(line)
    told = [
        f"for {surface.quoted(found.target)}: {attribution.method.replace('-', ' ')}, nats",
        f"log probability {attribution.logprob:.2f}",
        f"of the baseline {attribution.baseline_logprob:.2f}",
        WITHOUT_BEGINNING,
    ]
    return [*lines, [], *filled(told, surface)]


def _strength(share: float) -> Style:
    strengths: tuple[Style, ...] = ("", "+1", "+2", "+3") if share > 0 else ("", "-1", "-2", "-3")
    return strengths[sum(abs(share) >= step for step in (0.1, 0.4, 0.7))]


def _token_room(tokens: Sequence[str], surface: Surface) -> int:
    widest = max(width(surface.quoted(token)) for token in tokens)
    return max(4, min(widest, WIDEST_TOKEN, surface.columns // 2))
