"""Probabilities as numbers and bars: solid what is drawn, faint what the model has and the options take away."""

from gptcli.tasks.exploring import Choice

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def percent(probability: float) -> str:
    """Return a probability in at most 6 characters; a dash for none."""
    if not probability:
        return "-"
    return "<0.1%" if probability < 0.0005 else f"{probability:.1%}"


def percent_in_4(probability: float) -> str:
    """Return a probability in 4 characters; a dash for none."""
    if not probability:
        return "   -"
    return " <1%" if probability < 0.005 else f"{probability:>4.0%}"


def bar(choice: Choice, *, scale: float, width: int, unicode: bool) -> tuple[str, str]:
    """Return the solid and the faint part of a bar, in which scale has the full width; empty where there is no room."""
    if width < 1:
        return "", ""
    drawn, model = (round(value / scale * width * 8) for value in (choice.drawn, choice.probability))
    solid = "█" * (drawn // 8) + _EIGHTHS[drawn % 8] if unicode else "#" * round(drawn / 8)
    return solid, ("░" if unicode else ".") * (round(model / 8) - len(solid))
