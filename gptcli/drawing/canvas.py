"""Draw a figure in the house's colours and write it as a PNG or an SVG. Needs the extra "plot".

No figure is shown and no setting of matplotlib is changed; the same data gives the same bytes.
"""

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from gptcli.data.atomic import write_atomically
from gptcli.data.output import cannot_write
from gptcli.drawing.lettering import families
from gptcli.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 120
BLUE, RED, INK, FAINT = "#2563a8", "#d1495b", "#333333", "#8a8a8a"
"""Blue and red are told apart by all kinds of colour blindness, and by their lightness on grey paper."""
PALE_BLUE = "#9dc1e3"
"""For areas that something is drawn over."""
BLUES = "Blues"
"""Matplotlib's colours from white to a dark blue, for shares from 0 to 1."""
_DEEP = 0.64
"""Of BLUES: where white letters become easier to read than those in ink; both have a contrast of 3.5 there."""
LONGEST_NAME = 24


def available() -> bool:
    """Tell whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def require() -> None:
    """Raise MissingExtraError where matplotlib is not installed."""
    if not available():
        raise MissingExtraError('plots need matplotlib: pip install "gptcli[plot]"')


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of so many inches; raises MissingExtraError."""
    require()
    from matplotlib.figure import Figure  # a figure of its own: pyplot would pick a backend for the whole process

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")


def save(figure: "Figure", path: Path) -> None:
    """Write a figure, as an SVG where the path ends in .svg and else as a PNG; raises OutputError."""
    image = _svg(figure) if path.suffix.lower() == ".svg" else _png(figure)
    try:
        write_atomically(str(path), image)
    except OSError as error:
        raise cannot_write(str(path), error) from error


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    image = BytesIO()
    FigureCanvasAgg(figure).print_png(image, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return image.getvalue()


def _svg(figure: "Figure") -> bytes:
    """Draw letters as shapes: they look the same wherever the picture is shown, whatever fonts there are."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    image = BytesIO()
    with rc_context({"svg.hashsalt": "gptcli", "svg.fonttype": "path"}):  # names within the file that stay the same
        FigureCanvasSVG(figure).print_svg(image, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return image.getvalue()


def entitle(figure: "Figure", title: str) -> None:
    """Write what a figure shows above it, from its left edge on, which has room for more than a map of few cells."""
    figure.suptitle(title, color=INK, fontsize=10, x=0.01, ha="left", family=families(), parse_math=False)


def ink_on(share: float) -> str:
    """Return the colour of letters on a share of BLUES."""
    return "white" if share > _DEEP else INK


def clean(axes: "Axes") -> None:
    """Leave of the frame what is read: two sides, and lines at the heights."""
    axes.set_facecolor("white")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, labelcolor=INK, color=FAINT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)


def drawable(name: str, number: int | None = None) -> str:
    """Return a name as the font can draw it, cut where it is long; a label that loses characters gets its number."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    line = " ".join(name.split())
    text = "".join(character if ord(character) in known else "\N{WHITE SQUARE}" for character in line)
    if number is not None and text != line:
        text = f"{number} {text}"
    return text if len(text) <= LONGEST_NAME or number is None else text[: LONGEST_NAME - 1] + "…"
