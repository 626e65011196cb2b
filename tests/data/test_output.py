"""An output file that is killed at any moment and resumed equals one that never stopped."""

import json
import os
import resource
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data.output import OutputFile
from gptcli.errors import ConfigError, OutputError

STATE = {"fingerprint": "abc", "temperature": 1.0, "stop": ("x",), "seed": 7}


def run(output: OutputFile, rows: list[bytes], *, until: int | None = None) -> None:
    """Do what a command does: a header, the rows that are left, a footer."""
    with closing(output):
        if output.complete:
            return
        if output.size == 0:
            output.write(b"[")
        for row in rows[output.rows_done : until]:
            output.write(row[:1])
            output.write(row[1:])
            output.commit_row()
        if until is None:
            output.write(b"]")
            output.finish()


def start(path: Path, *, overwrite: bool = False, state: Mapping[str, object] = STATE) -> OutputFile:
    """Begin a file with the state of these tests."""
    return OutputFile.create(str(path), state=state, overwrite=overwrite)


def resume(path: Path, *, state: Mapping[str, object] = STATE) -> OutputFile:
    """Continue a file with the state of these tests."""
    return OutputFile.resume(str(path), state=state)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of an output file that does not exist."""
    return tmp_path / "out.json"


def journal_of(path: Path) -> Path:
    """Return the path of the journal."""
    return path.with_name(path.name + ".resume")


@given(
    rows=st.lists(st.binary(max_size=5), max_size=6),
    killed_after=st.integers(0, 6),
    garbage=st.binary(max_size=8),
    torn=st.sampled_from([b"", b"1", b"999"]),
)
def test_a_run_killed_anywhere_and_resumed_equals_one_never_killed(
    rows: list[bytes], killed_after: int, garbage: bytes, torn: bytes
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        whole, killed = Path(directory, "whole"), Path(directory, "killed")
        run(start(whole), rows)
        run(start(killed), rows, until=killed_after)
        for path, tail in ((killed, garbage), (journal_of(killed), torn)):
            path.write_bytes(path.read_bytes() + tail)
        # Killed a second time, at once after the first resume.
        resume(killed).close()
        run(resume(killed), rows)
        assert killed.read_bytes() == whole.read_bytes() == b"[" + b"".join(rows) + b"]"
        assert sorted(os.listdir(directory)) == ["killed", "whole"]


def test_a_run_killed_before_its_file_was_made_resumes(path: Path) -> None:
    start(path).close()
    path.unlink()
    run(resume(path), [b"a"])
    assert path.read_bytes() == b"[a]"


def test_a_journal_cut_in_any_byte_of_its_rows_resumes(path: Path) -> None:
    rows = [b"a" * 9, b"b" * 9, b"c"]
    run(start(path), rows, until=2)
    content, journal = path.read_bytes(), journal_of(path).read_bytes()
    for length in range(journal.index(b"\n") + 1, len(journal) + 1):
        path.write_bytes(content)
        journal_of(path).write_bytes(journal[:length])
        run(resume(path), rows)
        assert path.read_bytes() == b"[" + b"".join(rows) + b"]"


def test_a_resume_without_a_journal_takes_the_file_for_complete_and_leaves_it(path: Path) -> None:
    run(start(path), [b"a"])
    output = resume(path, state={"fingerprint": "other"})
    assert output.complete
    assert (output.size, output.rows_done) == (3, 0)
    run(output, [b"a", b"b"])
    assert path.read_bytes() == b"[a]"


def test_a_resume_of_nothing_begins_afresh(path: Path) -> None:
    run(resume(path), [b"a"])
    assert path.read_bytes() == b"[a]"


def test_a_run_that_was_closed_is_not_complete(path: Path) -> None:
    output = start(path)
    output.close()
    assert not output.complete
    assert not resume(path).complete
    with pytest.raises(ValueError, match="is closed"):
        output.write(b"a")


def test_the_seed_of_the_interrupted_run_is_kept(path: Path) -> None:
    run(start(path), [b"a"], until=1)
    with closing(resume(path, state={**STATE, "seed": 8})) as output:
        assert output.state == {**STATE, "seed": 7, "stop": ["x"]}
        assert output.rows_done == 1


def test_what_another_command_has_begun_is_said_to_be_so(path: Path) -> None:
    """This read "was started with other options:", and named options that nobody had given."""
    run(start(path), [b"a", b"b"], until=1)
    with pytest.raises(ConfigError, match="was begun by another command"):
        resume(path, state={"fingerprint": "abc", "--above": None})


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ({**STATE, "temperature": 0.5, "fingerprint": "def"}, "fingerprint, temperature"),
        ({**STATE, "the contents of in.csv": [3, 4]}, "the contents of in.csv"),
    ],
)
def test_other_options_are_refused_by_name_and_nothing_is_touched(
    state: dict[str, object], names: str, path: Path
) -> None:
    run(start(path), [b"a", b"b"], until=1)
    path.write_bytes(path.read_bytes() + b"half a row")
    before = path.read_bytes(), journal_of(path).read_bytes()
    with pytest.raises(ConfigError, match=f"was started with other options: {names};"):
        resume(path, state=state)
    assert (path.read_bytes(), journal_of(path).read_bytes()) == before


def test_a_file_that_lost_rows_is_refused_and_left(path: Path) -> None:
    run(start(path), [b"aaa", b"b"], until=1)
    path.write_bytes(b"[a")
    with pytest.raises(OutputError, match="has lost finished rows: 2 bytes are left of 4"):
        resume(path)
    assert path.read_bytes() == b"[a"
    path.unlink()
    with pytest.raises(OutputError, match="has lost finished rows"):
        resume(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"[1]\n", b'{"seed": 1}\nx\n', b"\xff\n"])
def test_a_journal_that_makes_no_sense_is_refused(content: bytes, path: Path) -> None:
    path.write_bytes(b"rows")
    journal_of(path).write_bytes(content)
    with pytest.raises(OutputError, match="is damaged"):
        resume(path)
    assert path.read_bytes() == b"rows"


def test_an_existing_file_is_replaced_only_when_told(path: Path) -> None:
    path.write_bytes(b"precious")
    with pytest.raises(ConfigError, match=r"--overwrite.*--resume"):
        start(path)
    assert path.read_bytes() == b"precious"
    run(start(path, overwrite=True), [b"a"])
    assert path.read_bytes() == b"[a]"


def test_the_interrupted_run_is_replaced_when_told(path: Path) -> None:
    run(start(path), [b"a", b"b"], until=1)
    run(start(path, overwrite=True, state={"seed": 9}), [b"c"])
    assert path.read_bytes() == b"[c]"


def test_a_place_that_cannot_be_written_is_refused(path: Path) -> None:
    with pytest.raises(OutputError, match="it is a directory"):
        start(path.parent, overwrite=True)
    with pytest.raises(OutputError, match="not a regular file; write to standard output"):
        start(Path(os.devnull), overwrite=True)
    with pytest.raises(OutputError, match="No such file or directory; make its directory"):
        start(path.parent / "none" / "out.json")
    path.write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*: Not a directory"):
        resume(path / "out.json")


def test_a_file_that_may_not_be_written_gets_no_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"precious")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")  # root may write everything

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match="Permission denied; choose another place"):
        start(path, overwrite=True)
    assert os.listdir(path.parent) == [path.name]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let no file grow beyond the size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_the_run_and_a_resume_completes_it(path: Path) -> None:
    rows = [b"x" * 30] * 5
    message = "File too large; raise the limit on file sizes and run again with --resume"
    with files_limited_to(100), pytest.raises(OutputError, match=message):
        run(start(path), rows)
    assert path.stat().st_size == 100
    run(resume(path), rows)
    assert path.read_bytes() == b"[" + b"".join(rows) + b"]"


def test_no_space_names_the_remedy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with closing(start(path)) as output:
        monkeypatch.setattr(os, "write", refuse)
        message = f"cannot write {path}: No space left on device; free some space and run again with --resume"
        with pytest.raises(OutputError) as caught:
            output.write(b"a")
    assert str(caught.value) == message


def test_the_journal_says_the_state_and_then_the_length_after_each_row(path: Path) -> None:
    run(start(path), [b"aa", b"", b"b"], until=3)
    first, *lengths = journal_of(path).read_text().splitlines()
    assert json.loads(first) == {**STATE, "stop": ["x"]}
    assert lengths == ["3", "3", "4"]


def test_two_runs_never_write_the_same_file(tmp_path: Path) -> None:
    path = str(tmp_path / "out.jsonl")
    running = OutputFile.create(path, state=STATE, overwrite=False)
    running.write(b"row\n")
    running.commit_row()
    for second in (
        lambda: OutputFile.resume(path, state=STATE),
        lambda: OutputFile.create(path, state=STATE, overwrite=True),
    ):
        with pytest.raises(OutputError, match="another run is writing"):
            second()
    running.close()
    assert OutputFile.resume(path, state=STATE).rows_done == 1


def test_failed_rows_are_remembered_by_a_resume(tmp_path: Path) -> None:
    path = str(tmp_path / "out.jsonl")
    output = OutputFile.create(path, state=STATE, overwrite=False)
    output.commit_row(failed=True)
    output.commit_row()
    output.close()
    resumed = OutputFile.resume(path, state=STATE)
    assert (resumed.rows_done, resumed.rows_failed) == (2, 1)
    resumed.close()
