"""Sizes and durations as people write and read them."""

import pytest

from gptcli.cli.units import clock, parse_duration, size, width
from gptcli.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400), (" 2H ", 7200), ("0", 0)],
)
def test_a_duration_is_seconds_or_has_units(text, seconds):
    assert parse_duration("--max-time", text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5d", "m", "-3", "1m1h", "nan"])
def test_another_duration_is_refused_by_name(text):
    with pytest.raises(ConfigError, match="--max-time wants a duration like 90s, 30m"):
        parse_duration("--max-time", text)


def test_sizes_and_times_are_short():
    assert [size(count) for count in (1, 5 << 20, 3 << 29)] == ["1 MiB", "5 MiB", "1.5 GiB"]
    assert [clock(seconds) for seconds in (0, 59.6, 3725)] == ["0:00:00", "0:01:00", "1:02:05"]


def test_wide_characters_take_two_columns():
    assert width("a名") == 3
