"""Plots of labels: any number of them, the same bytes each time, and no setting of matplotlib touched."""

import subprocess
import sys
from math import nan

import pytest

from gptcli.drawing import canvas
from gptcli.errors import MissingExtraError, OutputError
from gptcli.evaluation.classification import CalibrationBin
from gptcli.evaluation.label_plots import plot_confusion, plot_reliability

pytest.importorskip("matplotlib")

PNG = b"\x89PNG"
NOTHING = CalibrationBin(rows=0, confidence=nan, accuracy=nan)
BINS = (NOTHING, CalibrationBin(rows=3, confidence=0.4, accuracy=1.0), CalibrationBin(rows=5, confidence=1, accuracy=0))


@pytest.mark.parametrize("classes", [1, 2, 20, 60])
def test_any_number_of_classes_is_drawn(tmp_path, classes):
    counts = [[5 if row == column else row % 2 for column in range(classes)] for row in range(classes)]
    counts[0] = [0] * classes  # a label that no validation row has
    names = ["日本 $x_1$\n", *(f"a label with a rather long name {number}" for number in range(1, classes))]
    plot_confusion(tmp_path / "confusion.png", counts, names)
    assert (tmp_path / "confusion.png").read_bytes().startswith(PNG)


def test_names_are_shown_as_the_font_can():
    assert canvas.drawable("good $x$\n", 3) == "good $x$"
    assert canvas.drawable("日本", 3) == "3 \N{WHITE SQUARE}\N{WHITE SQUARE}"
    assert canvas.drawable("x" * 30, 3) == "x" * 23 + "…"


@pytest.mark.parametrize("bins", [BINS, (NOTHING,) * 15], ids=["some rows", "no rows"])
def test_any_bins_are_drawn(tmp_path, bins):
    plot_reliability(tmp_path / "reliability.png", bins)
    assert (tmp_path / "reliability.png").read_bytes().startswith(PNG)


def test_the_same_data_gives_the_same_bytes(tmp_path):
    for draw, data in ((plot_confusion, ([[3, 1], [0, 4]], ["no", "yes"])), (plot_reliability, (BINS,))):
        for name in ("a.png", "b.png"):
            draw(tmp_path / name, *data)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_backend_is_chosen_for_the_process(tmp_path):
    code = (
        "import pathlib, sys, matplotlib\n"
        "from gptcli.evaluation.label_plots import plot_confusion\n"
        "settings = lambda: {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != 'backend'}\n"
        "before = settings()\n"
        "plot_confusion(pathlib.Path(sys.argv[1]), [[1]], ['a'])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert before == settings()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.png")], check=True)


def test_without_matplotlib_the_error_is_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    assert not canvas.available()
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[plot\]"'):
        plot_confusion(tmp_path / "a.png", [[1]], ["a"])


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*a\.png: No such file"):
        plot_confusion(tmp_path / "none" / "a.png", [[1]], ["a"])
