"""A canvas is written as the path asks, the same data as the same bytes."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gptcli.drawing.canvas import new_figure, save
from gptcli.errors import OutputError

pytest.importorskip("matplotlib")


def draw(path: Path) -> bytes:
    """Draw a line and a few letters."""
    figure = new_figure(2, 1)
    figure.subplots().plot([0, 1], [1, 0])
    figure.suptitle("a picture")
    save(figure, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.SVG", "picture"])
def test_the_format_follows_the_suffix_and_the_bytes_are_the_same_each_time(tmp_path: Path, name: str) -> None:
    first = draw(tmp_path / name)
    assert draw(tmp_path / name) == first
    if name.lower().endswith("svg"):
        assert ElementTree.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert first.startswith(b"\x89PNG")


def test_drawing_an_svg_changes_no_setting(tmp_path: Path) -> None:
    from matplotlib import rcParams

    before = dict(rcParams)
    draw(tmp_path / "a.svg")
    assert dict(rcParams) == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*a\.svg: No such file or directory; make its directory"):
        draw(tmp_path / "none" / "a.svg")
