"""What gptcli classify reads and writes with labels in words."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.command import Ended, gptcli

ROWS = b"A happy dog\nIt was a dark night\n"


def run(options: str, stdin: bytes = ROWS) -> Ended:
    """Label with the built-in model."""
    return gptcli(f"classify -m builtin --device cpu --labels sad,happy {options}", stdin)


def objects(ended: Ended) -> list[dict[str, object]]:
    """Read JSON lines."""
    return [json.loads(line) for line in ended.out.splitlines()]


def test_a_line_is_label_probability_and_text_as_with_a_tuned_model() -> None:
    ended = run("")
    assert (ended.code, ended.err) == (0, "")
    for line, row in zip(ended.out.decode().splitlines(), objects(run("--jsonl")), strict=True):
        label, probability, text = line.split("\t")
        assert (label, text) == (row["label"], row["text"])
        assert float(probability) == pytest.approx(row["probability"], abs=1e-4)


def test_json_has_every_label_and_the_option_mass() -> None:
    for row in objects(run("--jsonl")):
        assert list(row) == ["index", "text", "label", "probability", "probabilities", "option_mass", "tokens"]
        assert set(row["probabilities"]) == {"sad", "happy"}  # type: ignore[call-overload]
        assert 0 < row["option_mass"] < 1  # type: ignore[operator]


def test_line_ends_may_be_written_with_a_backslash() -> None:
    written, real = (run(f"--jsonl --template '{{text}}{end}Mood: {{label}}'") for end in ("\\n", "\n"))
    assert written.out == real.out != run("--jsonl --template '{text} Mood: {label}'").out


def test_labels_of_a_file_are_those_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("sad\nhappy\thappy\n")
    ended = gptcli(f"classify -m builtin --device cpu --labels-file {tmp_path}/l.txt", ROWS)
    assert ended.out == run("").out


def test_verbose_tells_the_template_the_shift_and_the_examples(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("text,label\nWhat a sad day,sad\nWhat fun,happy\n")
    told = run(f"-v --examples {tmp_path}/s.csv --shots 2").err
    assert "template 'Text: {text}\\nLabel: {label}'; scoring sum; labels sad, happy" in told
    assert "calibration: behind 'N/A', '', '[MASK]' the labels have sad 0." in told
    assert "2 of 2 examples are read, " in told
    assert "1 sad, 1 happy; seed 0" in told
    assert "calibration" not in run("-v --no-calibrate").err


def test_abstaining_ranks_tables_and_accuracy_are_those_of_tuned_models(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text,mood\n7,A happy dog,happy\n8,It was a dark night,happy\n")
    ended = run(f"-i {source} --top 2 --min-prob 1 --abstain-label none --label-column mood")
    header, *rows = csv.reader(io.StringIO(ended.out.decode()))
    assert header == ["id", "text", "mood", "label", "probability", "label_2", "probability_2"]
    assert [row[:2] + row[3:4] for row in rows] == [["7", "A happy dog", "none"], ["8", "It was a dark night", "none"]]
    assert "rows without an answer, counted as wrong: 2" in ended.err
    assert ended.err.splitlines()[-1] == "gptcli: accuracy 0.0000 (n 2)"


def test_a_run_goes_on_with_the_labels_template_and_examples_that_it_began_with(tmp_path: Path) -> None:
    shots, out = tmp_path / "s.csv", tmp_path / "out.jsonl"
    shots.write_text("text,label\nWhat a sad day,sad\nWhat fun,happy\n")
    options = f"--examples {shots} -o {out}"
    bad = b"A happy dog\n\xff\n"
    assert run(options, bad).code == 3
    whole = out.read_bytes()
    assert len(whole.splitlines()) == 2
    assert run(f"{options} --resume", bad).code == 0
    assert out.read_bytes() == whole
