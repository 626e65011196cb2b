"""Plots of a run: of any length, and the same bytes for the same data."""

import pytest

from gptcli.training import plots
from gptcli.training.plots import plot_loss

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


def test_the_smooth_line_is_the_mean_of_what_is_around():
    curve = plots._curve([{"type": "step", "step": n, "loss": float(n % 2)} for n in range(200)], "step", "loss")
    smooth = plots._smoothed(curve)
    assert smooth.values[100] == pytest.approx(4 / 7)
    assert plots._smoothed(plots._curve([], "step", "loss")).values.size == 0


def drawn(records, monkeypatch, tmp_path):
    """Return the figure of a run, laid out."""
    figures = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    plot_loss(tmp_path / "loss.png", list(records), title="run")
    figures[0].draw_without_rendering()
    return figures[0]


def test_a_run_of_one_step_has_no_parts_of_steps_on_its_axis(monkeypatch, tmp_path):
    # It had 0.96, 0.98, 1.00, 1.02 and 1.04.
    axes = drawn(run_of(1), monkeypatch, tmp_path).axes[1]
    assert all(tick.is_integer() for tick in axes.get_xticks())


def test_the_legend_stands_where_no_line_is(monkeypatch, tmp_path):
    # The line of a loss that rises went through its words.
    rising = [{"type": "step", "step": n, "loss": float(n), "lr": 1e-4} for n in range(1, 60)]
    axes = drawn(rising, monkeypatch, tmp_path).axes[0]
    place = axes.get_legend().get_window_extent()
    assert not any(line.get_transform().transform_path(line.get_path()).intersects_bbox(place) for line in axes.lines)
