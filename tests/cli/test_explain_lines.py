"""Lines that gptcli explain chooses by their surprisal."""

import json
from pathlib import Path

import pytest

from tests.command import Ended, gptcli, started

LINES = b"Once upon a time there was a little girl.\nxkcd zzz qqq\n\nThe dog was happy.\n"


def explain(options: str, stdin: bytes = b"") -> Ended:
    """Run explain with the model that ships."""
    return gptcli(f"explain -m builtin {options}", stdin)


def test_lines_are_selected_by_their_surprisal_and_printed_as_they_are() -> None:
    ended = explain("--above 15", LINES)
    assert (ended.code, ended.out, ended.err) == (0, b"xkcd zzz qqq\n", "")
    rest = explain("--below 15", LINES)
    assert rest.out == LINES.replace(b"xkcd zzz qqq\n", b"")
    band = explain("--above 1 --below 15", LINES)
    assert band.out.count(b"\n") == 2


def test_nothing_selected_is_exit_code_1_and_silence() -> None:
    ended = explain("--above 99", LINES)
    assert (ended.code, ended.out, ended.err) == (1, b"", "")


def test_an_empty_input_selects_nothing_as_in_grep() -> None:
    """This was exit 3 and "standard input is empty"."""
    ended = explain("--above 5", b"")
    assert (ended.code, ended.out, ended.err) == (1, b"", "")
    assert explain("--scores", b"").code == 3


def test_a_header_alone_selects_nothing_either(tmp_path: Path) -> None:
    """This was exit 3 and "has a header but no rows"."""
    (tmp_path / "in.csv").write_text("text\n")
    ended = explain(f"-i {tmp_path}/in.csv --above 5")
    assert (ended.code, ended.out, ended.err) == (1, b"", "")


def test_a_row_with_line_ends_is_one_line_behind_its_score(tmp_path: Path) -> None:
    """A row of lambada_test.jsonl was several lines, so that sort took it apart."""
    (tmp_path / "in.jsonl").write_text('{"text": "The dog\\nwas happy."}\n')
    (line,) = explain(f"-i {tmp_path}/in.jsonl --scores").out.decode().splitlines()
    assert line.partition("\t")[2] == r"The dog\nwas happy."
    assert explain(f"-i {tmp_path}/in.jsonl --above 1").out == b"The dog\nwas happy.\n"


def test_a_line_may_be_measured_in_four_ways() -> None:
    objects = {row["text"]: row for row in map(json.loads, explain("--scores --jsonl", LINES).out.splitlines())}
    for by, key in (("max", "max_bits"), ("mean", "mean_bits"), ("total", "bits"), ("bpb", "bits_per_byte")):
        for line in explain(f"--scores --by {by}", LINES).out.decode().splitlines():
            figure, text = line.split("\t")
            assert float(figure) == pytest.approx(objects[text][key] or 0, abs=1e-3)


def test_figures_of_a_line_are_those_of_its_tokens() -> None:
    measured = [json.loads(line) for line in explain("--scores --jsonl", LINES).out.splitlines()]
    explained = [json.loads(line) for line in explain("--jsonl", LINES).out.splitlines()]
    for ours, theirs in zip(measured, explained, strict=True):
        for key in ("bits", "max_bits", "mean_bits"):
            assert ours[key] == pytest.approx(theirs[key], abs=2e-3)


def test_rows_of_a_table_that_are_selected_are_a_table(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,The dog was happy.\n2,xkcd zzz qqq\n")
    ended = explain(f"-i {tmp_path}/in.csv --above 15")
    header, row = ended.out.decode().splitlines()
    assert header == "id,text,bits,bits_per_byte,mean_bits,max_bits,token_count"
    assert row.startswith("2,xkcd zzz qqq,")
    ended = explain(f"-i {tmp_path}/in.csv --above 99")
    assert (ended.code, ended.out) == (1, b""), "its header was printed all the same"


def test_a_bad_line_is_told_and_the_others_are_done() -> None:
    ended = explain("--above 15", b"\xff\n" + LINES)
    assert (ended.code, ended.out) == (3, b"xkcd zzz qqq\n")
    assert "standard input:1: is not UTF-8" in ended.err


def test_a_slow_producer_gets_its_lines_as_they_come() -> None:
    with started("explain -m builtin --above 15") as process:
        process.feed(b"The dog was happy.\nxkcd zzz qqq\n")
        assert process.stdout.readline() == b"xkcd zzz qqq\n"
        ended = process.end(b"zzz xkcd qqq\n")
    assert (ended.code, ended.out) == (0, b"zzz xkcd qqq\n")
