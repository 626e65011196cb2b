"""Plots of a run: the same bytes for the same data, any labels, and nothing of matplotlib's settings touched."""

import subprocess
import sys

import pytest

from gptcli.errors import MissingExtraError, OutputError
from gptcli.training import plots
from gptcli.training.plots import plot_confusion, plot_loss

pytest.importorskip("matplotlib")

PNG = b"\x89PNG"


def run_of(steps):
    for step in range(1, steps + 1):
        yield {"type": "step", "step": step, "loss": 3 / step, "lr": 1e-4}
        if step % 5 == 0:
            yield {"type": "eval", "step": step, "metrics": {"loss": 2 / step}, "best": step == 5}
            yield {"type": "sample", "step": step, "text": "x"}


@pytest.mark.parametrize("steps", [0, 1, 4, 60])
def test_a_run_of_any_length_is_drawn(tmp_path, steps):
    plot_loss(tmp_path / "loss.png", list(run_of(steps)), title="run")
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    "records",
    [
        [{"type": "step", "step": 1, "loss": None, "lr": 0.0}, {"type": "step", "step": 2, "loss": 1.0, "lr": 0.0}],
        [{"type": "eval", "step": 1, "metrics": {"accuracy": 0.5}, "best": True}],
        [{"type": "eval", "step": 1, "metrics": {"loss": None}, "best": True}],
    ],
    ids=["no loss in a step", "no loss in an evaluation", "a loss that was not finite"],
)
def test_what_is_missing_is_left_out(tmp_path, records):
    plot_loss(tmp_path / "loss.png", records, title="")
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG)


def test_the_same_data_gives_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        plot_loss(tmp_path / name, list(run_of(30)), title="run")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    for name in ("a.png", "b.png"):
        plot_confusion(tmp_path / name, [[3, 1], [0, 4]], ["no", "yes"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("classes", [1, 2, 20, 60])
def test_any_number_of_classes_is_drawn(tmp_path, classes):
    counts = [[5 if row == column else row % 2 for column in range(classes)] for row in range(classes)]
    counts[0] = [0] * classes  # a label that no validation row has
    names = ["日本 $x_1$\n", *(f"a label with a rather long name {number}" for number in range(1, classes))]
    plot_confusion(tmp_path / "confusion.png", counts, names)
    assert (tmp_path / "confusion.png").read_bytes().startswith(PNG)


def test_names_are_shown_as_the_font_can():
    assert plots._shown("good $x$\n", 3) == "good $x$"
    assert plots._shown("日本", 3) == "3 \N{WHITE SQUARE}\N{WHITE SQUARE}"
    assert plots._shown("x" * 30, 3) == "x" * 23 + "…"


def test_the_smooth_line_is_the_mean_of_what_is_around():
    curve = plots._curve([{"type": "step", "step": n, "loss": float(n % 2)} for n in range(200)], "step", "loss")
    smooth = plots._smoothed(curve)
    assert smooth.values[100] == pytest.approx(4 / 7)
    assert plots._smoothed(plots._curve([], "step", "loss")).values.size == 0


def test_no_backend_is_chosen_for_the_process(tmp_path):
    code = (
        "import pathlib, sys, matplotlib\n"
        "from gptcli.training.plots import plot_loss\n"
        "settings = lambda: {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != 'backend'}\n"
        "before = settings()\n"
        "plot_loss(pathlib.Path(sys.argv[1]), [], title='')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert before == settings()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path / "loss.png")], check=True)


def test_without_matplotlib_the_error_is_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    assert not plots.available()
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[plot\]"'):
        plot_loss(tmp_path / "loss.png", [], title="")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"loss\.png cannot be written: No such file"):
        plot_loss(tmp_path / "none" / "loss.png", [], title="")
