"""Laws 2 to 5 and 7 for classify: rows stay rows, and are what they are alone; a run goes on; streams and imports."""

import csv
import io
import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.classifiers import save_random_classifier
from tests.command import PATIENCE_SECONDS, Ended, Process, Screen, gptcli, started
from tests.laws.test_imports import modules_of
from tests.laws.test_rows import CELLS, NAMES, VALUES, table

FEW = settings(max_examples=12, deadline=None)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)
GOOD_ROWS = st.builds(
    lambda before, text, after: {**before, "text": text, **after},
    st.dictionaries(NAMES, VALUES, max_size=2),
    TEXTS,
    st.dictionaries(NAMES, VALUES, max_size=2),
)
BAD_LINES = st.sampled_from(['{"text": ', "[1, 2]", "7", '{"text": null}', '{"text": ["a"]}', '{"c_": 1}', " "])
LINES = b"".join(b"%d is the number of the little house\n" % number for number in range(200))

needs_signals = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier."""
    return save_random_classifier(
        tmp_path_factory.mktemp("model"), "bad", "good", "so-so", vocab_size=97, pad_token_id=96
    )


def converted(model: Path, suffix: str, data: bytes, options: str = "") -> tuple[Ended, bytes]:
    """Run over a file of this kind into another; return how it ended and what was written."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, f"in{suffix}"), Path(directory, f"out{suffix}")
        source.write_bytes(data)
        ended = gptcli(f"classify -q -m {model} -i {source} -o {target} --device cpu {options}")
        return ended, target.read_bytes()


@FEW
@given(first=GOOD_ROWS, more=st.lists(GOOD_ROWS | BAD_LINES, max_size=8))
def test_json_lines_come_back_in_order_with_their_other_members_as_they_were(
    model: Path, first: dict[str, Any], more: list[dict[str, Any] | str]
) -> None:
    items = [first, *more, first]
    lines = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items]
    ended, written = converted(model, ".jsonl", "\n".join(lines).encode())
    rows = [json.loads(line) for line in written.splitlines()]
    assert [row["index"] for row in rows] == list(range(len(items)))
    for row, item in zip(rows, items, strict=True):
        if isinstance(item, str):
            assert row["error"]
            assert "label" not in row
        else:
            assert {name: row[name] for name in item} == item
            assert row["label"] in ("bad", "good", "so-so")
    assert ended.code == (3 if any(isinstance(item, str) for item in items) else 0)
    assert ended.out == b""


@FEW
@given(data=st.data(), names=st.lists(NAMES, max_size=3, unique=True))
def test_a_table_comes_back_with_every_cell_as_it_was_and_its_answer_behind(
    model: Path, data: st.DataObject, names: list[str]
) -> None:
    header = [*names[:1], "text", *names[1:]]
    good = st.tuples(*(TEXTS if name == "text" else CELLS for name in header)).map(list)
    full = good.filter(any)
    ragged = st.lists(CELLS.filter(bool), min_size=1, max_size=6).filter(lambda row: len(row) != len(header))
    rows = [data.draw(full), *data.draw(st.lists(full | ragged, max_size=8))]
    ended, written = converted(model, ".csv", table([header, *rows]))
    back = list(csv.reader(io.StringIO(written.decode(), newline=""), strict=True))
    assert back[0] == [*header, "label", "probability"]
    assert len(back) == len(rows) + 1
    for row, result in zip(rows, back[1:], strict=True):
        assert result[: len(header)] == (row + [""] * len(header))[: len(header)]
        assert bool(result[-1]) == (len(row) == len(header))
    assert ended.code == (3 if any(len(row) != len(header) for row in rows) else 0)


@settings(max_examples=6, deadline=None)
@given(rows=st.lists(GOOD_ROWS, min_size=1, max_size=9), batch_size=st.integers(1, 64), data=st.data())
def test_a_row_gets_the_same_bytes_alone_in_its_place_as_among_others(
    model: Path, rows: list[dict[str, Any]], batch_size: int, data: st.DataObject
) -> None:
    lines = [json.dumps(row).encode() for row in rows]
    _, together = converted(model, ".jsonl", b"\n".join(lines), f"--batch-size {batch_size}")
    number = data.draw(st.integers(0, len(rows) - 1))
    _, alone = converted(model, ".jsonl", b"\n".join([*[b'{"text": null}'] * number, lines[number]]))
    assert alone.splitlines()[number] == together.splitlines()[number]


def wait_for_bytes(target: Path, size: int, process: Process) -> None:
    """Return as soon as the file has grown to a size, or the process has ended."""
    while process.popen.poll() is None and not (target.exists() and target.stat().st_size >= size):
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(0.005)


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize(
    ("suffix", "number", "code"),
    [
        (".jsonl", signal.SIGKILL, -signal.SIGKILL),
        (".csv", signal.SIGKILL, -signal.SIGKILL),
        (".txt", signal.SIGINT, 130),
        (".json", signal.SIGTERM, 143),
    ],
)
def test_a_run_that_was_ended_is_resumed_to_the_same_bytes(
    model: Path, tmp_path: Path, suffix: str, number: int, code: int
) -> None:
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    assert gptcli(f"classify -m {model} -o {whole}", LINES).code == 0
    with started(f"classify -m {model} -o {target}") as process:
        process.feed(b"".join(LINES.splitlines(keepends=True)[:120]))
        wait_for_bytes(target, whole.stat().st_size // 4, process)
        process.popen.send_signal(number)
        process.popen.wait(PATIENCE_SECONDS)
        assert process.popen.returncode == code
    assert whole.read_bytes().startswith(target.read_bytes())
    for changed in ("--top 2", "--min-prob 0.5", "--long tail"):
        assert gptcli(f"classify -m {model} -o {target} --resume {changed}", LINES).code == 2
    assert gptcli(f"classify -m {model} -o {target} --resume", LINES).code == 0
    assert target.read_bytes() == whole.read_bytes()


def test_a_line_is_answered_before_the_next_one_is_there(model: Path) -> None:
    with started(f"classify -m {model}") as process:
        for text in (b"hello", b"so so"):
            process.feed(text + b"\n")
            assert process.stdout.readline().split(b"\t")[2] == text + b"\n"
        assert process.end().code == 0


@needs_signals
def test_a_reader_that_takes_one_row_and_leaves_ends_the_run_silently(model: Path) -> None:
    with started(f"classify -m {model}") as process:
        process.feed(LINES)
        assert process.stdout.readline()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.feed(LINES * 100)
        assert process.popen.wait(PATIENCE_SECONDS) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize("form", ["", "--jsonl", "--json --top 1"])
def test_what_is_said_on_stderr_never_changes_a_byte_of_stdout(model: Path, form: str) -> None:
    lines = b"hello\n" + b"long " * 100 + b"\n\n"
    plain = gptcli(f"classify -m {model} {form}", lines)
    assert plain.code == 0
    assert plain.err.count("\n") == 2
    assert gptcli(f"classify -m {model} {form} -q", lines).out == plain.out
    assert gptcli(f"classify -m {model} {form} -v", lines).out == plain.out
    assert gptcli(f"classify -m {model} {form}", lines, stderr=Screen()).out == plain.out


@pytest.mark.parametrize("options", ["", "--device cpu", "--dtype int8", "-v --jsonl --long mean"])
def test_on_the_cpu_neither_torch_nor_transformers_is_imported(model: Path, options: str) -> None:
    modules = modules_of(["classify", "hello", "-m", str(model), *options.split()], 0, CUDA_VISIBLE_DEVICES="")
    assert "onnxruntime" in modules
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub", "rich"}


@pytest.mark.parametrize("options", ["--labels a,b", "--labels a,b --examples shots.csv -v --dtype int8"])
def test_nor_for_labels_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shots.csv").write_text("text,label\nso good,a\nso bad,b\n")
    modules = modules_of(["classify", "hello", "-m", "builtin", *options.split()], 0, CUDA_VISIBLE_DEVICES="")
    assert not modules & {"torch", "transformers", "accelerate", "huggingface_hub", "rich"}


@settings(max_examples=4, deadline=None)
@given(rows=st.lists(GOOD_ROWS, min_size=2, max_size=6), batch_size=st.integers(1, 64), data=st.data())
def test_a_row_gets_the_same_bytes_alone_as_among_others_from_labels_in_words(
    rows: list[dict[str, Any]], batch_size: int, data: st.DataObject
) -> None:
    """So that a run that was killed may go on to the same bytes, whatever was read with its rows before."""
    lines = [json.dumps(row).encode() for row in rows]
    builtin, labels = Path("builtin"), "--labels sad,happy"
    _, together = converted(builtin, ".jsonl", b"\n".join(lines), f"{labels} --batch-size {batch_size}")
    number = data.draw(st.integers(0, len(rows) - 1))
    _, alone = converted(builtin, ".jsonl", b"\n".join([*[b'{"text": null}'] * number, lines[number]]), labels)
    assert alone.splitlines()[number] == together.splitlines()[number]


@pytest.mark.parametrize(
    ("line", "code"), [("--help", 0), ("--no-such-option", 2), ("x --json --jsonl", 2), ("x --labels a", 2)]
)
def test_help_and_usage_errors_import_nothing_heavy(line: str, code: int) -> None:
    heavy = "torch transformers numpy onnxruntime onnx rich pydantic huggingface_hub tokenizers accelerate"
    assert modules_of(["classify", *line.split()], code) & set(heavy.split()) == set()
