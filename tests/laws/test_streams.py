"""Laws 5 and 6: stdout is the result and stderr the story; every cut, skip and fallback is told there once."""

import json
import re

import pytest

from tests.command import Screen, gptcli, started

OPTIONS = "-m builtin --max-new-tokens 3 --seed 1"
LONG = b"a b " * 300
ROWS = b"one\n" + LONG + b"\n\n\nlast\n"


@pytest.mark.parametrize("form", ["", "--jsonl", "-n 2 --null", "--json --logprobs 1"])
def test_what_is_said_on_stderr_never_changes_a_byte_of_stdout(form: str) -> None:
    line = f"generate {OPTIONS} {form} --overflow truncate-left"
    plain = gptcli(line, ROWS)
    assert plain.code == 0
    for way, said in (("-q", False), ("-v", True)):
        other = gptcli(f"{line} {way}", ROWS)
        assert (other.out, bool(other.err)) == (plain.out, said)
    at_a_terminal = gptcli(line, ROWS, stderr=Screen())
    assert at_a_terminal.out == plain.out
    assert "generating" in at_a_terminal.err


def test_plain_output_is_prompts_and_continuations_and_nothing_else() -> None:
    ended = gptcli(f"generate {OPTIONS} -v", b"one\ntwo\n")
    texts = [json.loads(row) for row in gptcli(f"generate {OPTIONS} --jsonl", b"one\ntwo\n").out.splitlines()]
    expected = "".join(f"{row['prompt']}{row['text']}\n<|endoftext|>\n" for row in texts)
    assert ended.out.decode() == expected


def test_verbose_says_what_was_chosen_and_why() -> None:
    err = gptcli(f"generate {OPTIONS} -v --device cpu", b"one\n").err
    assert re.search("builtin from .*; onnx backend on the CPU, as asked; float32, [0-9]+ threads, up to", err)
    assert "gptcli: seed 1\n" in err


def test_every_kind_of_cut_is_told_once_however_many_rows_it_met() -> None:
    err = gptcli(f"generate {OPTIONS} --overflow truncate-left", ROWS * 3).err
    assert err.splitlines() == [
        "gptcli: warning: prompts cut to their last 510 tokens: 3 (first: standard input:2)",
        "gptcli: warning: empty prompts, continued from the beginning-of-text token: 6 (first: standard input:3)",
    ]


def test_every_row_that_fails_is_told_with_its_place_and_the_end_says_how_many() -> None:
    ended = gptcli(f"generate {OPTIONS}", b"one\n\xff\n" + LONG + b"\n")
    assert ended.code == 3
    first, second, last = ended.err.splitlines()
    assert first.startswith("gptcli: error: standard input:2: is not UTF-8")
    assert second.startswith("gptcli: error: standard input:3: has ")
    assert last == "gptcli: error: 2 of 3 rows failed"


@pytest.mark.parametrize("form", ["", "--jsonl"])
def test_the_fallback_to_the_built_in_model_is_told_once_and_its_result_is_that_of_the_model_by_name(form: str) -> None:
    named = gptcli(f"generate {OPTIONS} {form} Once", b"")
    fallen_back = gptcli(f"generate --max-new-tokens 3 --seed 1 {form} Once")
    assert fallen_back.out == named.out
    assert named.err == ""
    assert fallen_back.err.count("\n") == 1
    assert re.match("gptcli: warning: gpt2 is not .* built-in .*", fallen_back.err)


def test_a_whole_process_writes_nothing_of_its_libraries_to_either_stream() -> None:
    with started(f"generate {OPTIONS} Once --jsonl") as process:
        ended = process.end()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == gptcli(f"generate {OPTIONS} Once --jsonl").out
