"""gptcli chat as a filter: a turn a line in, an answer a line out, and nothing else on stdout."""

import json
from pathlib import Path

import pytest

from tests.command import gptcli, started

LINE = "chat -m builtin --device cpu --max-new-tokens 8"


def test_a_line_is_a_turn_and_its_answer_is_a_line() -> None:
    ended = gptcli(f"{LINE} --seed 1", b"Hello\nWho are you?\n")
    first, second = ended.out.splitlines()
    assert ended.code == 0
    assert first
    assert second
    assert ended.err == ("gptcli: warning: an answer ends at --max-new-tokens 8, perhaps in the middle of a sentence\n")
    assert gptcli(f"{LINE} --seed 1 -q", b"Hello\nWho are you?\n").out == ended.out


def test_an_answer_depends_on_the_lines_before() -> None:
    line = f"{LINE} -q --greedy --template '{{text}}'"
    first, second = (gptcli(line, told + b"\n, and then").out.splitlines()[1] for told in (b"A dog ran", b"The king"))
    assert first != second


def test_the_first_answer_is_what_generate_writes_behind_the_same_text() -> None:
    generate = (
        "generate -m builtin --device cpu --max-new-tokens 8 --seed 4 --no-echo -q --template chat "
        r"--stop '\nUser:' Hello"
    )
    wanted = " ".join(gptcli(generate).out.decode().split())
    assert " ".join(gptcli(f"{LINE} --seed 4 -q", b"Hello\n").out.decode().split()) == wanted


def test_the_lines_of_an_answer_are_one_line() -> None:
    drawn = "-m builtin --device cpu -q --seed 3 --max-new-tokens 40"
    text = gptcli(f"generate {drawn} --no-echo 'The dog sang:'").out.decode().strip()
    assert "\n" in text
    ended = gptcli(f"chat {drawn} --template '{{text}}'", b"The dog sang:\n")
    assert ended.out.decode() == f"{' '.join(text.splitlines())}\n"


def test_a_bad_line_is_told_has_an_empty_line_and_is_left_out_of_the_conversation() -> None:
    long = b"word " * 2000
    ended = gptcli(f"{LINE} --seed 2 -q", b"Hello\nca\xfe\n" + long + b"\nWho?\n")
    first, bad, too_long, last = ended.out.splitlines()
    assert (bad, too_long) == (b"", b"")
    assert first
    assert last
    assert ended.code == 3
    assert ended.err.splitlines() == [
        "gptcli: error: standard input:2: is not UTF-8: byte 0xfe at column 3",
        "gptcli: error: standard input:3: has 2,010 tokens, and beside an answer the window holds 505: shorten it",
        "gptcli: error: 2 of 4 lines failed",
    ]


def test_empty_lines_are_not_asked_and_that_is_told_once() -> None:
    ended = gptcli(f"{LINE} --seed 2", b"\nHello\n \t\n")
    empty, answer, blank = ended.out.splitlines()
    assert (empty, blank) == (b"", b"")
    assert answer
    assert ended.code == 0
    assert ended.err.splitlines()[-1] == (
        "gptcli: warning: empty lines, which are not asked and have an empty line for an answer: 2 "
        "(first: standard input:1)"
    )


@pytest.mark.parametrize("line", [b"/save evil.jsonl", b"/exit", b"/help", b"NUL \0 in it", b"\xef\xbb\xbfmark", b"\r"])
def test_no_line_of_a_pipe_is_a_command(line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = gptcli(f"{LINE} -q", b"Hello\n" + line + b"\nWho?\n")
    assert (ended.code, ended.out.count(b"\n")) == (0, 3)
    assert list(tmp_path.iterdir()) == []


def test_nothing_at_all_is_an_error() -> None:
    ended = gptcli(LINE)
    assert (ended.code, ended.out, ended.err) == (3, b"", "gptcli: error: standard input is empty\n")


def test_a_conversation_goes_on_from_a_file_and_behind_a_system_text(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps({"system": "Old.", "user": "Hello", "assistant": "I am a fox."}) + "\n")
    loaded = gptcli(f"{LINE} --seed 3 -q --load {path}", b"Who?\n").out
    other = gptcli(f"{LINE} --seed 3 -q --load {path} --system New.", b"Who?\n").out
    alone = gptcli(f"{LINE} --seed 3 -q", b"Who?\n").out
    assert len({loaded, other, alone}) == 3


def test_what_is_loaded_and_not_read_of_a_file_is_told(tmp_path: Path) -> None:
    """Nothing was told."""
    path = tmp_path / "faq.csv"
    path.write_text("context,question,answer\nA play.,Who?,I\n")
    told = gptcli(f"{LINE} --seed 3 --load {path}", b"Why?\n").err.splitlines()
    assert told[:2] == ["gptcli: 1 answer, the last: I", "gptcli: warning: not read: 1 column context"]


def test_more_tokens_than_the_window_holds_are_told_before_the_first_answer() -> None:
    """They were accepted in silence."""
    told = gptcli(f"{LINE} --seed 3 --max-new-tokens 5000 --stop e", b"").err
    assert (
        "warning: --max-new-tokens 5,000 is more than the window of 512 tokens: an answer ends where it is full" in told
    )


def test_a_model_s_own_template_is_filled_in(tmp_path: Path, builtin: Path) -> None:
    model = tmp_path / "m"
    model.mkdir()
    for file in builtin.iterdir():
        (model / file.name).symlink_to(file)
    own = {"name": None, "template": "Q: {ask}\nA: {reply}", "completion": "reply"}
    (model / "template.json").write_text(json.dumps(own))
    line = f"chat -m {model} --device cpu --max-new-tokens 8 --seed 3"
    ended = gptcli(f"{line} -v", b"Who?\n")
    assert r"gptcli: format Q: {ask}\nA: {reply}, saved with the model" in ended.err.splitlines()
    assert ended.out == gptcli(f"{line} --template 'Q: {{x}}\\nA:'", b"Who?\n").out
    assert ended.out != gptcli(f"{line} --template plain", b"Who?\n").out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("--template nope", 2, "--template nope is no format of a conversation"),
        ("--system ''", 2, "--system is empty"),
        ("--greedy --top-k 3", 2, "--top-k cannot apply with --greedy"),
        ("--seed -1", 2, "--seed must be at least 0"),
        ("--load no-such.jsonl", 3, "cannot read no-such.jsonl"),
        ("-m no/such/dir/", 4, "no such directory"),
        ("--logit-bias 'no such word=3'", 2, "is not one token of builtin"),
        (
            "--system '" + "word " * 600 + "'",
            3,
            "the system text has 603 tokens, and beside an answer the window holds 505",
        ),
        ("-n 3", 2, "No such option"),
    ],
)
def test_a_wrong_option_is_one_line_and_the_right_exit_code(options: str, code: int, told: str) -> None:
    ended = gptcli(f"{LINE} {options}", b"Hello\n")
    assert ended.code == code
    assert told in ended.err
    assert ended.out in (b"", b"\n")


def test_an_answer_is_there_before_the_next_line_is_sent() -> None:
    with started(f"{LINE} -q") as process:
        for line in (b"Hello\n", b"Who?\n"):
            process.feed(line)
            assert process.stdout.readline().endswith(b"\n")
        assert process.end().code == 0
