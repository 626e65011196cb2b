"""Line ends and tabs in the text of an option."""

import pytest

from gptcli.cli.escapes import unescaped


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (r"Q: {x}\nA:", "Q: {x}\nA:"),
        (r"a\tb", "a\tb"),
        (r"a\\nb", r"a\nb"),
        (r"a\xb\'", r"a\xb\'"),
        ("a\nb", "a\nb"),
        ("a\\", "a\\"),
    ],
)
def test_a_backslash_makes_line_ends_tabs_and_itself(typed: str, read: str) -> None:
    assert unescaped(typed) == read
