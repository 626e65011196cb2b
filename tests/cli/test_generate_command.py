"""What gptcli generate reads and writes."""

import csv
import json
from io import BytesIO
from typing import ClassVar

import pytest

from gptcli.tasks.events import Notice

MARK = "<|endoftext|>"


def rows_of(text):
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_one_prompt_prints_it_and_its_continuation(gptcli):
    assert gptcli("generate", "hello").out == "hello one\n"


def test_no_echo_prints_the_continuation_alone(gptcli):
    assert gptcli("generate", "hello", "--no-echo").out == " one\n"


@pytest.mark.parametrize("echo", [True, False])
def test_streamed_text_is_the_text_that_is_waited_for(gptcli, task, echo):
    options = [] if echo else ["--no-echo"]
    streamed = gptcli("generate", "hello", *options).out
    assert task.config.stream
    assert gptcli("generate", "hello", "--no-stream", *options).out == streamed
    assert not task.config.stream


def test_each_piece_of_a_stream_is_flushed(gptcli):
    class Pipe(BytesIO):
        seen: ClassVar[list[bytes]] = []

        def flush(self) -> None:
            if not self.closed:
                self.seen.append(self.getvalue())

    gptcli("generate", "hello", stdout=Pipe())
    assert Pipe.seen[:3] == [b"hello o", b"hello one", b"hello one\n"]


@pytest.mark.parametrize("line", ["a b", "a -n 2", "a -n 2 --num-beams 2", "a --jsonl", "a -o {tmp}/o.txt"])
def test_only_a_lone_sample_on_standard_output_is_streamed(gptcli, task, tmp_path, line):
    assert gptcli("generate", *line.format(tmp=tmp_path).split()).code == 0
    assert not task.config.stream


@pytest.mark.parametrize(
    ("arguments", "stdin", "count"),
    [(["a", "-n", "2"], b"", 2), (["a", "b"], b"", 2), ([], b"a\n", 1), (["-"], b"a\nb", 2)],
)
def test_where_samples_may_be_many_each_ends_with_the_mark_between_documents(gptcli, arguments, stdin, count):
    out = gptcli("generate", *arguments, stdin=BytesIO(stdin)).out
    assert out.endswith(f" {'one' if count == 1 or '-n' not in arguments else 'two'}\n{MARK}\n")
    assert out.splitlines().count(MARK) == count


def test_null_ends_each_sample_with_nul_and_nothing_else(gptcli):
    assert gptcli("generate", "a", "-n", "2", "-0").out == "a one\0a two\0"
    assert gptcli("generate", "a", "--null").out == "a one\0"


def test_whole_reads_all_of_standard_input_as_one_prompt(gptcli, task):
    assert gptcli("generate", "--whole", stdin=BytesIO(b"two\nlines\n")).out == "two\nlines one\n"
    assert task.config.stream


def test_standard_input_is_not_touched_when_a_prompt_or_a_file_is_given(gptcli, tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("hello\n")
    assert gptcli("generate", "hello").code == 0  # the fixture's stdin fails when it is touched
    assert gptcli("generate", "-i", str(file)).code == 0


def test_no_prompt_at_a_terminal_is_a_usage_error_with_an_example(gptcli, task, keyboard):
    ended = gptcli("generate", stdin=keyboard)
    assert (ended.code, ended.out, task.config) == (2, "", None)
    assert 'gptcli generate "' in ended.err


def test_empty_standard_input_is_an_input_error_in_one_line(gptcli):
    ended = gptcli("generate", "--json", stdin=BytesIO(b""))
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "gptcli: error: standard input is empty\n"


def test_jsonl_has_a_row_a_sample_with_the_other_columns_of_the_input(gptcli, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 4, "prompt": "a", "text": "mine"}\n')
    ended = gptcli("generate", "-i", str(file), "-n", "2", "--seed", "9", "--jsonl")
    first, second = rows_of(ended.out)
    assert list(first.items()) == [
        ("index", 0),
        ("sample", 0),
        ("prompt", "a"),
        ("text", " one"),
        ("finish_reason", "length"),
        ("prompt_tokens", 1),
        ("new_tokens", 2),
        ("logprob", -1.5),
        ("seed", 9),
        ("id", 4),
        ("input_text", "mine"),
    ]
    assert (second["sample"], second["text"]) == (1, " two")
    assert ended.err.startswith("gptcli: warning: the input's column text is written as input_text")
    assert ended.err.count("\n") == 1


def test_json_is_one_array_of_the_same_rows(gptcli):
    lines = gptcli("generate", "a", "b", "--jsonl", "--seed", "1").out
    assert json.loads(gptcli("generate", "a", "b", "--json", "--seed", "1").out) == rows_of(lines)


def test_a_failed_row_is_a_row_with_its_error_and_the_run_goes_on(gptcli, task):
    task.fail_on = "b"
    ended = gptcli("generate", "--jsonl", stdin=BytesIO(b"a\nb\nc\n"))
    rows = rows_of(ended.out)
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert rows[1] == {"index": 1, "error": "is too long", "prompt": "b"}
    assert ended.code == 3
    assert ended.err.splitlines() == [
        "gptcli: error: standard input:2: is too long",
        "gptcli: error: 1 of 3 rows failed",
    ]


def test_a_lone_row_that_failed_is_told_in_one_line(gptcli, task):
    task.fail_on = "a"
    ended = gptcli("generate", "a")
    assert (ended.code, ended.out, ended.err) == (3, "", "gptcli: error: argument:1: is too long\n")


def test_a_table_keeps_its_rows_and_columns_and_gains_completions(gptcli, task, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,prompt,completion\n1,"a, b",x\n2,bad,y\n')
    task.fail_on = "bad"
    ended = gptcli("generate", "-i", str(source), "-o", str(target))
    assert (ended.code, ended.out) == (3, "")
    with target.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["id", "prompt", "input_completion", "completion"],
            ["1", "a, b", "x", " one"],
            ["2", "bad", "y", ""],
        ]


def test_a_table_has_a_column_for_each_sample(gptcli, tmp_path):
    target = tmp_path / "out.tsv"
    gptcli("generate", "a", "b", "-n", "2", "-o", str(target))
    assert target.read_text() == "prompt\tcompletion_1\tcompletion_2\na\t one\t two\nb\t one\t two\n"


def test_a_column_that_the_first_row_lacks_is_left_out_of_a_table_and_named(gptcli, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.csv"
    source.write_text('{"prompt": "a"}\n{"prompt": "b", "extra": 1}\n{"prompt": "c", "extra": 2}\n')
    ended = gptcli("generate", "-i", str(source), "-o", str(target))
    assert target.read_text() == "prompt,completion\na, one\nb, one\nc, one\n"
    assert ended.err.count("extra") == 1
    assert f"{source}:2" in ended.err


@pytest.mark.parametrize("suffix", ["txt", "jsonl", "json", "csv", "tsv"])
def test_an_interrupted_run_that_is_resumed_ends_in_the_same_bytes(gptcli, task, tmp_path, suffix):
    whole, torn = tmp_path / f"whole.{suffix}", tmp_path / f"torn.{suffix}"
    line = ["generate", "-n", "2"]
    prompts = b"a\nb\nc\n"
    gptcli(*line, "--seed", "5", "-o", str(whole), stdin=BytesIO(prompts))
    task.raise_at = {2: KeyboardInterrupt()}
    ended = gptcli(*line, "--seed", "5", "-o", str(torn), stdin=BytesIO(prompts))
    told = f"gptcli: 2 rows are in {torn}; continue with the same command and --resume"
    assert (ended.code, ended.err.splitlines()) == (130, ["gptcli: interrupted", told])
    task.raise_at = {}
    assert gptcli(*line, "-o", str(torn), "--resume", stdin=BytesIO(prompts)).code == 0
    assert task.config.skip_rows == 2
    assert torn.read_bytes() == whole.read_bytes()
    again = gptcli(*line, "-o", str(torn), "--resume", stdin=BytesIO(prompts))
    assert again.code == 0
    assert (
        again.err
        == f"gptcli: there is no {torn}.resume, so {torn} is complete, or of another program: nothing was done\n"
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--top-k", "3"], "--top-k"),
        (["-m", "other"], "--model"),
        (["--seed", "6"], "--seed 5"),
        (["--column", "text"], "--column"),
        (["--template", "qa"], "--template"),
    ],
)
def test_a_run_is_not_resumed_with_options_that_change_its_result(gptcli, task, tmp_path, change, named):
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("a\nb\n")
    line = ["generate", "-i", str(source), "-o", str(target)]
    task.raise_at = {1: KeyboardInterrupt()}
    gptcli(*line, "--seed", "5")
    kept = target.read_bytes()
    ended = gptcli(*line, "--resume", *change)
    assert (ended.code, target.read_bytes()) == (2, kept)
    assert named in ended.err


def test_a_run_is_resumed_with_another_batch_size_and_device(gptcli, task, tmp_path):
    target = tmp_path / "out.jsonl"
    task.raise_at = {1: KeyboardInterrupt()}
    gptcli("generate", "a", "b", "-o", str(target))
    task.raise_at = {}
    assert gptcli("generate", "a", "b", "-o", str(target), "--resume", "--batch-size", "3", "--device", "cpu").code == 0


def test_a_run_that_fails_before_its_first_result_leaves_the_file_alone(gptcli, task, tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("precious")
    task.raise_at = {0: ValueError("x")}
    assert gptcli("generate", "a", "-o", str(target), "--overwrite").code == 1
    assert target.read_text() == "precious"
    assert gptcli("generate", "a", "-o", str(target)).code == 2
    assert target.read_text() == "precious"


def test_notices_go_to_stderr_and_details_only_when_verbose(gptcli, task):
    task.before = [Notice(text="cut"), Notice(text="chose cpu", detail=True)]
    ended = gptcli("generate", "a")
    assert (ended.out, ended.err) == ("a one\n", "gptcli: warning: cut\n")
    assert gptcli("generate", "a", "-v").err.splitlines() == [
        "gptcli: loading",
        "gptcli: warning: cut",
        "gptcli: chose cpu",
    ]


def test_text_that_is_no_unicode_is_printed_all_the_same(gptcli, task, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"prompt": "a", "more": "\\ud800"}\n')
    assert gptcli("generate", "-i", str(source), "--jsonl").code == 0
    assert gptcli("generate", "-i", str(source)).out == f"a one\n{MARK}\n"


def test_a_terminal_sees_the_step_that_takes_time_and_no_trace_of_it_in_the_result(gptcli, screen):
    ended = gptcli("generate", "a", stderr=screen)
    assert ended.out == "a one\n"
    assert "loading" in ended.err
    assert ended.err.endswith("\x1b[2K")


def test_the_input_is_never_its_own_output(gptcli, tmp_path):
    table, link = tmp_path / "in.csv", tmp_path / "link.csv"
    table.write_text("prompt\na\n")
    link.symlink_to(table)
    for output in (table, link):
        ended = gptcli("generate", "-i", str(table), "-o", str(output), "--overwrite")
        assert (ended.code, table.read_text()) == (2, "prompt\na\n")
        assert "is the input itself" in ended.err


def test_a_run_is_not_resumed_on_an_input_that_has_changed(gptcli, task, tmp_path):
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("a\nb\n")
    task.raise_at = {1: KeyboardInterrupt()}
    gptcli("generate", "-i", str(source), "-o", str(target))
    kept = target.read_bytes()
    source.write_text("other\nrows\n")
    ended = gptcli("generate", "-i", str(source), "-o", str(target), "--resume")
    assert (ended.code, target.read_bytes()) == (2, kept)
    assert f"the contents of {source}" in ended.err


def test_a_table_keeps_the_columns_of_its_header_when_its_first_row_is_bad(gptcli, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("prompt,x\nlong\na,1\n")
    assert gptcli("generate", "-i", str(source), "-o", str(target)).code == 3
    assert target.read_text() == "prompt,x,completion\nlong,,\na,1, one\n"
