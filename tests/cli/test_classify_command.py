"""What gptcli classify reads and writes."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.classifiers import save_random_classifier
from tests.command import Ended, gptcli

ROWS = b"hello\nI hate it\nso so\n"


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of three classes."""
    return save_random_classifier(tmp_path_factory.mktemp("single"), "bad", "good", "so\tso")


@pytest.fixture(scope="module")
def multi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier whose labels do not exclude each other."""
    return save_random_classifier(tmp_path_factory.mktemp("multi"), "a", "b", "c", kind="multi_label_classification")


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of one number."""
    return save_random_classifier(tmp_path_factory.mktemp("regression"), "LABEL_0", kind=None)


def run(model: Path, options: str, stdin: bytes = b"") -> Ended:
    """Classify with a model."""
    return gptcli(f"classify -m {model} --device cpu {options}", stdin)


def objects(ended: Ended) -> list[dict[str, object]]:
    """Read JSON lines."""
    return [json.loads(line) for line in ended.out.splitlines()]


def table(text: bytes) -> list[list[str]]:
    """Read a table."""
    return list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))


def test_a_line_is_label_probability_and_text(single: Path) -> None:
    ended = run(single, "", ROWS)
    assert (ended.code, ended.err) == (0, "")
    for line, row in zip(ended.out.decode().splitlines(), objects(run(single, "--jsonl", ROWS)), strict=True):
        label, probability, text = line.split("\t")
        assert label == str(row["label"]).replace("\t", "\\t")
        assert float(probability) == pytest.approx(row["probability"], abs=1e-4)
        assert text == row["text"]


def test_the_row_is_the_same_however_the_text_comes(single: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("I hate it\n")
    ways = [run(single, "'I hate it'"), run(single, "", b"I hate it"), run(single, f"-i {tmp_path}/in.txt")]
    ways += [run(single, "--whole", b"I hate it\n"), run(single, "-", b"I hate it\r\n")]
    assert len({way.out for way in ways}) == 1


def test_line_ends_inside_a_text_are_escaped_so_that_a_row_is_a_line(single: Path) -> None:
    (line,) = run(single, "--whole", b"a\tb\nc\r\n").out.splitlines()
    assert line.split(b"\t", 2)[2] == b"a\tb\\nc"


def test_json_has_every_class(single: Path) -> None:
    for row in objects(run(single, "--jsonl", ROWS)):
        assert list(row) == ["index", "text", "label", "probability", "probabilities", "tokens"]
        probabilities = row["probabilities"]
        assert isinstance(probabilities, dict)
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert next(iter(probabilities.items())) == (row["label"], row["probability"])


def test_a_table_comes_back_with_its_answers_behind(single: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id;review\n7;hello\n8;\n9;so so\n")
    target = tmp_path / "out.csv"
    assert run(single, f"-i {source} --column review -o {target}").code == 0
    rows = table(target.read_bytes())
    assert rows[0] == ["id", "review", "label", "probability"]
    assert [row[:2] for row in rows[1:]] == [["7", "hello"], ["8", ""], ["9", "so so"]]
    assert all(0 < float(row[3]) <= 1 for row in rows[1:])
    assert run(single, f"-i {source} --column review").out == target.read_bytes()


def test_a_tsv_comes_back_as_one_and_other_formats_when_asked_for(single: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("id\ttext\n7\thello\n")
    assert run(single, f"-i {source}").out.startswith(b"id\ttext\tlabel\tprobability\n7\thello\t")
    (row,) = objects(run(single, f"-i {source} --jsonl"))
    assert (row["id"], row["text"]) == ("7", "hello")


def test_a_column_with_a_name_of_ours_is_kept_under_another_and_told(single: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,label\nhello,mine\n")
    ended = run(single, f"-i {source}")
    assert table(ended.out)[0] == ["text", "input_label", "label", "probability"]
    assert table(ended.out)[1][:2] == ["hello", "mine"]
    assert "the input's column label is written as input_label" in ended.err


def test_the_next_likeliest_follow_in_pairs(single: Path, tmp_path: Path) -> None:
    row = objects(run(single, "--jsonl hello"))[0]
    probabilities = row["probabilities"]
    assert isinstance(probabilities, dict)
    cells = run(single, "--top 2 hello").out.decode().split("\t")
    assert cells[::2] == [label.replace("\t", "\\t") for label in list(probabilities)[:2]] + ["hello\n"]
    assert len(objects(run(single, "--top 2 --jsonl hello"))[0]["probabilities"]) == 2  # type: ignore[arg-type]
    source = tmp_path / "in.csv"
    source.write_text("text\nhello\n")
    header, cells = table(run(single, f"-i {source} --top 9").out)
    assert header[:5] == ["text", "label", "probability", "label_2", "probability_2"]
    assert cells[5:] == [list(probabilities)[2], cells[6], *[""] * 12]


def test_an_unsure_answer_is_a_question_mark_or_what_was_asked_for(single: Path) -> None:
    plain = run(single, "hello").out.decode().split("\t")
    assert run(single, "--min-prob 1 hello").out.decode().split("\t") == ["?", *plain[1:]]
    assert run(single, "--min-prob 1 --abstain-label none hello").out.startswith(b"none\t")
    (row,) = objects(run(single, "--min-prob 1 --jsonl hello"))
    assert row["label"] == "?"


def test_several_labels_share_a_field_and_are_a_list_in_json(multi: Path) -> None:
    label, probability, _ = run(multi, "--threshold 0 hello").out.decode().split("\t")
    assert (label, len(probability.split(","))) == ("a,b,c", 3)
    assert run(multi, "--threshold 0 --label-separator ; hello".replace(";", "';'")).out.startswith(b"a;b;c\t")
    assert run(multi, "--threshold 1 hello").out.startswith(b"?\t")
    for threshold, labels in ((0, ["a", "b", "c"]), (1, [])):
        (row,) = objects(run(multi, f"--threshold {threshold} --jsonl hello"))
        assert row["label"] == labels
        assert "probability" not in row


def test_a_regression_prints_the_number(regression: Path, tmp_path: Path) -> None:
    number, text = run(regression, "hello").out.decode().split("\t")
    assert text == "hello\n"
    (row,) = objects(run(regression, "hello --jsonl"))
    assert row == {"index": 0, "text": "hello", "label": float(number), "tokens": 5}
    source = tmp_path / "in.csv"
    source.write_text("text\nhello\n")
    assert table(run(regression, f"-i {source}").out) == [["text", "label", "probability"], ["hello", number, ""]]


def test_a_row_that_fails_keeps_its_place_in_every_form(single: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1, "text": "hello"}\n{"id": 2, "text": null}\n{"id": 3, "text": "so so"}\n')
    lines = run(single, f"-i {source}")
    assert (lines.code, [bool(line) for line in lines.out.splitlines()]) == (3, [True, False, True])
    rows = objects(run(single, f"-i {source} --jsonl"))
    assert rows[1] == {"index": 1, "error": "has no value in column text", "text": None, "id": 2}
    target = tmp_path / "out.csv"
    assert run(single, f"-i {source} -o {target}").code == 3
    assert table(target.read_bytes())[2] == ["2", "", "", ""]


def test_a_script_may_always_say_resume(single: Path, tmp_path: Path) -> None:
    """The first run ended with "was started with other options: --dtype, --model", and left an empty file."""
    output = tmp_path / "out.jsonl"
    assert run(single, f"-o {output} --resume", ROWS).code == 0
    whole = output.read_bytes()
    assert len(whole.splitlines()) == 3
    assert run(single, f"-o {output} --resume", ROWS).code == 0
    assert output.read_bytes() == whole


def test_a_resume_that_cannot_begin_leaves_the_disk_alone(tmp_path: Path) -> None:
    ended = gptcli(f"classify -m builtin --device cpu -o {tmp_path / 'out.jsonl'} --resume", ROWS)
    assert ended.code == 4
    assert not list(tmp_path.iterdir())


def test_accuracy_goes_to_stderr_and_is_not_said_when_quiet(single: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,y\nhello,bad\nso so,good\n")
    loud, quiet = (run(single, f"-i {source} --label-column y {option}") for option in ("", "-q"))
    assert loud.out == quiet.out
    (line,) = loud.err.splitlines()
    assert line.startswith("gptcli: accuracy ")
    assert line.endswith("(n 2)")
    assert quiet.err == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("x --json --jsonl", "--jsonl and --json contradict each other"),
        ("x -i in.csv", "TEXT and -i FILE contradict each other"),
        ("x -", "- reads standard input: it does not go with other texts"),
        ("x --whole", "--whole reads a file or standard input: it does not go with TEXT"),
        ("x --column y", "--column needs -i FILE"),
        ("x --label-column y", "--label-column needs -i FILE"),
        ("x --resume", "--resume needs -o FILE"),
        ("x --top 0", "--top must be at least 1, not 0"),
        ("x --min-prob 2", "--min-prob must be between 0 and 1, not 2"),
        ("x --threshold nan", "--threshold must be between 0 and 1, not nan"),
        ("x --min-prob 0.5 --threshold 0.5", "--min-prob and --threshold contradict each other"),
        ("x --top 2 --threshold 0.5", "--top and --threshold contradict each other"),
        ("x --labels a,b --abstain-label no", "--abstain-label needs --min-prob"),
        ("x --label-separator ''", "--label-separator must not be empty"),
        ("x --jsonl -o out.csv", "--jsonl does not go with -o out.csv"),
        ("x --seed 3", "--seed needs --examples FILE"),
    ],
)
def test_a_contradiction_is_refused_before_a_model_is_looked_for(options: str, told: str) -> None:
    ended = gptcli(f"classify -m ./nowhere {options}")
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err.startswith(f"gptcli: error: {told}")


@pytest.mark.parametrize(
    ("options", "stdin", "code", "told", "rows"),
    [
        ("", b"", 3, "standard input is empty", ""),
        ("", b"one\n\xff\ntwo\n", 3, "standard input:2: is not UTF-8: byte 0xff at column 1", "+-+"),
        ("", "one\n".encode("utf-16"), 3, "standard input is UTF-16", ""),
        ("", b"o\0ne\n\0\n", 0, "empty texts", "++"),  # this tokenizer has no token for NUL
        ("", b"\xef\xbb\xbfone\r\ntwo", 0, "", "++"),
        ("", b"\n", 0, "empty texts, labelled by the beginning-of-text token: 1", "+"),
        ("", b"hello world " * 833_333 + b"\ntwo\n", 0, "only their beginning is read", "++"),
        ("--long tail", b"hello world " * 833_333 + b"\ntwo\n", 0, "only their end is read", "++"),
        ("-i ragged.csv", b"", 3, "ragged.csv:3: has 1 cell, the header has 2", "+-+"),
        ("-i header.csv", b"", 3, "header.csv has a header but no rows", ""),
        ("-i body.csv", b"", 3, "body.csv: no column text or prompt: choose one of body with --column NAME", ""),
        ("-i body.csv --column x", b"", 3, "body.csv: no column x: choose one of body with --column NAME", ""),
        ("-i body.csv --column body --label-column y", b"", 3, "no column y: choose one of body with --label", ""),
        ("-i missing.csv", b"", 3, "cannot read missing.csv: No such file or directory", ""),
        ("-m builtin x", b"", 4, "builtin has no classification head; name the labels with --labels A,B,...", ""),
        ("-m ./nowhere x", b"", 4, "'./nowhere': no such directory", ""),
        ("--device cuda x", b"", 5, "--device cuda: no such device", ""),
    ],
)
def test_bad_input_ends_in_one_clear_line_and_nothing_else_is_lost(
    single: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    stdin: bytes,
    code: int,
    told: str,
    rows: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    files = {"ragged.csv": "id,text\n1,one\n2\n3,two\n", "header.csv": "text\n", "body.csv": "body\none\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ended = gptcli(f"classify -m {single} --jsonl {options}", stdin)
    assert ended.code == code
    assert len([line for line in ended.err.splitlines() if told in line]) == bool(ended.err)
    assert len(ended.err.splitlines()) == bool(told) + ("-" in rows)
    assert "".join("-" if "error" in row else "+" for row in objects(ended)) == rows
