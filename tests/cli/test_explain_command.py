"""What gptcli explain reads and writes."""

import json
from io import BytesIO
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gptcli.cli.console import Console
from gptcli.cli.main import run
from gptcli.cli.render_inside import habit
from tests.command import Ended, Screen, ScreenOutput, gptcli, started

TEXT = "Once upon a time there was a fox."
LINES = b"Once upon a time there was a little girl.\nxkcd zzz qqq\n\nThe dog was happy.\n"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, builtin: Path) -> Path:
    """Return a model of the same tokens, whose last layer norm differs from that of the model that ships."""
    directory = tmp_path_factory.mktemp("tuned")
    for path in builtin.iterdir():
        if path.suffix in (".json", ".txt"):
            copy(path, directory)
    weights = load_file(builtin / "model.safetensors")
    (name,) = [name for name in weights if name.endswith("ln_f.weight")]
    weights[name] = (weights[name] * 1.2).astype(weights[name].dtype)
    save_file(weights, directory / "model.safetensors", {"format": "pt"})
    return directory


def explain(options: str, stdin: bytes = b"") -> Ended:
    """Run explain with the model that ships."""
    return gptcli(f"explain -m builtin {options}", stdin)


def on_terminal(*arguments: str, **environment: str) -> str:
    """Return what explain shows on a terminal."""
    stdout = ScreenOutput()
    console = Console(stdin=BytesIO(), stdout=stdout, stderr=Screen(), environment=environment)
    assert run(["explain", "-m", "builtin", *arguments], console) == 0
    return stdout.getvalue().decode()


def test_a_text_is_shown_with_its_total_and_what_was_expected_in_five_places() -> None:
    ended = explain(f"'{TEXT}'")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.decode().splitlines()
    assert lines[0].replace("[", "").replace("]", "") == TEXT
    assert " bits, " in lines[2]
    assert lines[2].endswith("bits a byte, 10 tokens, behind the beginning-of-text token")
    head = next(number for number, line in enumerate(lines) if line.split() == ["bits", "token", "expected"])
    bits = [float(line.split()[0]) for line in lines[head + 1 :]]
    assert len(bits) == 5
    assert bits == sorted(bits, reverse=True)
    assert all("%" in line for line in lines[head + 1 :])


@pytest.mark.parametrize(
    ("environment", "code"),
    [({"TERM": "xterm-256color"}, "48;5;"), ({"TERM": "xterm"}, "\x1b[37;41m"), ({"TERM": "dumb"}, "[")],
)
def test_a_tint_is_one_that_the_terminal_has(environment: dict[str, str], code: str) -> None:
    shown = on_terminal("Once upon a quantum time", **environment)
    assert code in shown
    assert ("\x1b" in shown) == (environment["TERM"] != "dumb")


def test_no_color_is_honoured_and_marks_stand_for_tints() -> None:
    shown = on_terminal("Once upon a quantum time", TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in shown
    assert "[" in shown.splitlines()[0]


@pytest.mark.parametrize(
    "options", [(), ("--next", "5"), ("--lens",), ("--attention",), ("--attention", "--layer", "1", "--head", "2")]
)
def test_a_window_of_20_columns_is_kept_to(options: tuple[str, ...]) -> None:
    for line in on_terminal(f"{TEXT} 🙂 שלום", *options, TERM="dumb", COLUMNS="20").splitlines():
        assert len(line) <= 20, line


def test_what_drives_a_terminal_is_never_sent_to_one() -> None:
    shown = on_terminal("a\x1b[2Jb\x07\x9b", TERM="dumb")
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    table = explain("--tsv", b"a\x1b[2J\tb\n").out
    assert b"\x1b" not in table


def test_the_likeliest_next_tokens_are_told_with_what_sampling_keeps() -> None:
    (row,) = [json.loads(line) for line in explain("'Once upon a' --next 4 --top-k 2 --jsonl").out.splitlines()]
    assert row["kept"] == 2
    assert [one["drawn"] > 0 for one in row["next"]] == [True, True, False, False]
    assert sum(one["drawn"] for one in row["next"]) == pytest.approx(1, abs=1e-5)
    shown = explain("'Once upon a' --next 4").out.decode()
    assert row["next"][0]["token"] in shown


def test_a_table_has_a_row_for_each_token_and_the_numbers_first() -> None:
    header, *rows = [line.split("\t") for line in explain("--tsv", LINES).out.decode().splitlines()]
    assert header == ["index", "position", "bits", "rank", "entropy_bits", "id", "token", "expected", "probability"]
    assert {row[0] for row in rows} == {"0", "1", "3"}
    objects = [json.loads(line) for line in explain("--jsonl", LINES).out.splitlines()]
    for index, row in enumerate(objects):
        bits = sum(float(cells[2]) for cells in rows if cells[0] == str(index))
        assert bits == pytest.approx(row["bits"], abs=1e-2)
        assert [token["bits"] for token in row["tokens"]] == [
            float(cells[2]) for cells in rows if cells[0] == str(index)
        ]


def test_a_table_gets_figures_of_each_row(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,body\n1,The dog was happy.\n2,\n")
    ended = explain(f"-i {tmp_path}/in.csv --column body -o {tmp_path}/out.csv")
    assert ended.code == 0, ended.err
    header, full, empty = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "id,body,bits,bits_per_byte,mean_bits,max_bits,token_count"
    row = json.loads(explain("'The dog was happy.' --jsonl").out)
    assert full.split(",")[:2] == ["1", "The dog was happy."]
    assert [float(cell) for cell in full.split(",")[2:]] == pytest.approx(
        [row[name] for name in header.split(",")[2:]], abs=2e-3
    )
    assert empty == "2,,0.0,,0.0,0.0,0"


def test_a_model_is_compared_with_another(tmp_path: Path, tuned: Path) -> None:
    ended = explain(f"'{TEXT}' --vs {tuned} --jsonl")
    assert ended.code == 0, ended.err
    row = json.loads(ended.out)
    assert row["gain_bits"] == pytest.approx(row["versus_bits"] - row["bits"], abs=1e-3)
    assert sum(token["gain_bits"] for token in row["tokens"]) == pytest.approx(row["gain_bits"], abs=1e-2)


def test_two_tints_tell_which_of_two_models_expected_a_token_more(tuned: Path) -> None:
    for model, versus, mark, sign in (("builtin", tuned, "+", 1), (tuned, "builtin", "-", -1)):
        lines = gptcli(f"explain 'The fox 🙂 was' -m {model} --vs {versus}").out.decode().splitlines()
        assert f"[{mark}🙂]" in lines[0]
        (row,) = [line for line in lines if line.endswith('" was"')]
        gain, bits, before = map(float, row.split()[:3])
        assert gain * sign > 1
        assert before - bits == pytest.approx(gain, abs=0.11)  # each is rounded to a tenth


def test_a_model_with_other_tokens_is_refused_with_the_remedy(tiny: Path) -> None:
    ended = explain(f"x --vs {tiny}")
    assert ended.code == 2
    assert "cuts text into other tokens" in ended.err
    assert "gptcli evaluate --vs" in ended.err


def test_one_head_is_told_by_what_each_token_looks_at() -> None:
    ended = explain(f"'{TEXT}' --attention --layer 1 --head 2")
    assert ended.code == 0, ended.err
    assert ended.out.decode().splitlines()[1].split() == ['"Once"', '"Once"', "100.0%"]


def test_the_last_layer_of_the_lens_predicts_what_comes_next() -> None:
    (row,) = [json.loads(line) for line in explain("'Once upon a' --next 1 --jsonl").out.splitlines()]
    lines = explain("'Once upon a' --lens").out.decode().splitlines()
    assert (
        f'"{row["next"][0]["token"]}"' in lines[lines.index("") - 1]
    )  # the words below the table stand behind an empty line


def test_an_interrupted_file_goes_on_where_it_ended(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(LINES)
    whole = explain(f"-i {tmp_path}/in.txt -o {tmp_path}/whole.jsonl")
    assert (whole.code, whole.out) == (0, b"")
    assert explain(f"-i {tmp_path}/in.txt -o {tmp_path}/whole.jsonl").code == 2
    line, path = f"explain -m builtin -i {tmp_path}/in.txt", tmp_path / "part.jsonl"
    with started(f"{line} -o {path}", most_file_bytes=(tmp_path / "whole.jsonl").stat().st_size // 2) as process:
        assert process.end().code == 3
    assert 0 < path.stat().st_size < (tmp_path / "whole.jsonl").stat().st_size
    again = explain(f"-i {tmp_path}/in.txt -o {tmp_path}/part.jsonl --resume")
    assert again.code == 0, again.err
    assert (tmp_path / "part.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("weights", "letter"),
    [
        ([[1, 0, 0], [1, 0, 0], [0.9, 0.1, 0]], "F"),
        ([[1, 0, 0], [1, 0, 0], [0.3, 0.6, 0.1]], "p"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "S"),
        ([[1, 0, 0], [0, 1, 0], [0.4, 0.3, 0.3]], "."),
    ],
)
def test_a_heads_habit_is_a_letter(weights: list[list[float]], letter: str) -> None:
    assert habit(np.array(weights)) == letter
