"""The curve of the loss: bounded in memory and in room."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.cli.training_curve import MOST_POINTS, LossCurve, draw


def test_a_curve_falls_from_the_upper_left_to_the_lower_right():
    assert draw([3, 1], columns=10, rows=4, unicode=True) == ["⠑⠤⡀", "  ⠈⠢⢄", "     ⠑⠢⡀", "       ⠈⠒⢄"]
    assert draw([2, 1], columns=4, rows=2, unicode=False) == ["'.", "  '."]


def test_a_level_curve_lies_at_the_bottom():
    assert draw([1, 1], columns=5, rows=2, unicode=False) == ["", "....."]


def test_losses_that_differ_in_their_last_bit_alone_are_drawn():
    points = [123456.789, math.nextafter(123456.789, 0), 123456.789] * 20
    assert len(draw(points, columns=31, rows=4, unicode=True)) == 4


@pytest.mark.parametrize("points", [[], [1.0], [math.nan, math.inf]])
def test_there_is_no_curve_before_there_are_two_points(points):
    assert draw(points, columns=10, rows=4, unicode=True) == []


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=600), st.integers(1, 100), st.integers(1, 6), st.booleans())
def test_every_column_has_a_mark_and_none_is_too_many(points, columns, rows, unicode):
    lines = draw(points, columns=columns, rows=rows, unicode=unicode)
    assert len(lines) == rows
    assert max(map(len, lines)) == columns
    assert all(any(line.ljust(columns)[column] != " " for line in lines) for column in range(columns))
    assert unicode or "".join(lines).isascii()


def test_a_long_run_keeps_a_bounded_number_of_points_over_its_whole_length():
    curve = LossCurve()
    for number in range(10_000):
        curve.add(10_000.0 - number)
    assert MOST_POINTS / 2 <= len(curve.points) < MOST_POINTS
    assert curve.points[0] == 10_000
    assert curve.points[-1] < 100
    assert list(curve.points) == sorted(curve.points, reverse=True)


def test_the_smoothed_loss_is_a_mean_in_which_the_newest_counts_most():
    curve = LossCurve()
    assert math.isnan(curve.smoothed)
    curve.add(4.0)
    assert curve.smoothed == pytest.approx(4.0)
    curve.add(2.0)
    assert 2.9 < curve.smoothed < 3.0
