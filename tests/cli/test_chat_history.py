"""What was typed is remembered across runs, for its owner alone, and never in the way of a conversation."""

import json
import stat
from pathlib import Path

import pytest

from gptcli.cli.chat_history import KEPT, History, history_path


@pytest.fixture
def told() -> list[str]:
    """Return what is told."""
    return []


def test_entries_come_back_in_order_and_only_their_owner_may_read_them(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "state" / "gptcli" / "chat_history"
    first = History(path, told.append)
    for entry in ("Hi", "two\nlines", "two\nlines", "\0\x1b\udce9", "Hi"):
        first.add(entry)
    assert History(path, told.append).entries == first.entries == ["Hi", "two\nlines", "\0\x1b\udce9", "Hi"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert told == []


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "chat_history"
    path.write_text("")
    path.chmod(0o644)
    History(path, told.append).add("Hi")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lines_that_are_spoiled_are_passed_over(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "chat_history"
    path.write_bytes(b'"Hi"\n"torn\n7\n\xff\n"you"\n')
    assert History(path, told.append).entries == ["Hi", "you"]


def test_a_long_file_is_cut_to_its_latest_entries(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "chat_history"
    path.write_text("".join(f"{json.dumps(str(n))}\n" for n in range(2 * KEPT + 1)))
    assert History(path, told.append).entries[-1] == str(2 * KEPT)
    assert len(path.read_text().splitlines()) == KEPT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, told: list[str]) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "gptcli" / "chat_history"
    history = History(path, told.append)
    history.add("Hi")
    history.add("you")
    assert history.entries == ["Hi", "you"]
    assert told == [f"{path}: Not a directory: what you type is not remembered"]


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/gptcli/chat_history"),
        ({"HOME": "/h"}, "/h/.local/state/gptcli/chat_history"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/gptcli/chat_history"),
        ({"XDG_STATE_HOME": ""}, None),
        ({"HOME": "h"}, None),
    ],
)
def test_the_file_is_in_the_xdg_state_directory(environment: dict[str, str], path: str | None) -> None:
    assert history_path(environment) == (None if path is None else Path(path))
