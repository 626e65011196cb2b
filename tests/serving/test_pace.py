"""When text that is being written goes out."""

from gptcli.serving.pace import PACE_SECONDS, Pace


def test_text_goes_out_at_once_and_then_no_sooner_than_a_moment_later() -> None:
    pace = Pace()
    assert pace.is_due(1.0)
    assert not pace.is_due(1.001)
    assert pace.is_due(1.0 + PACE_SECONDS)
    assert not pace.is_due(1.001 + PACE_SECONDS)
