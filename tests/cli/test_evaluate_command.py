"""gptcli evaluate: what it prints, where rows go, and how it ends; the task behind it is replaced."""

import json
import re
import sys
from dataclasses import replace
from io import BytesIO
from math import nan
from pathlib import Path
from types import ModuleType

import pytest

from gptcli.engine.options import ModelOptions
from gptcli.errors import InputError
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.events import Notice
from tests.cli.fake_evaluation import FakeEvaluation, bound, comparison, failed, model, report, row


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEvaluation:
    """Put a fake in the place of the task, in a directory of its own with a book."""
    fake = FakeEvaluation(events=[report()])
    module = ModuleType("gptcli.tasks.evaluate")
    module.evaluate = fake
    monkeypatch.setitem(sys.modules, "gptcli.tasks.evaluate", module)
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text("Once.\n")
    return fake


@pytest.fixture
def evaluate(gptcli, evaluation):
    """Run the command on the book."""

    def call(*options: str, **streams):
        return gptcli("evaluate", "book.txt", *options, **streams)

    return call


class Terminal(BytesIO):
    """A standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_table_shows_figures_with_intervals_and_what_they_are_of(evaluate):
    ended = evaluate()
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "               a",
        "bits per byte  1.023 [0.923, 1.123]",
        "accuracy       0.5000",
        "",
        "task        perplexity: book.txt is plain text",
        "data        book.txt (sha256 0123456789abcdef)",
        "rows        3 read",
        "measured    context 1,024, bos yes, separator none",
        "model       a: tokens 1,234",
        "intervals   95 %, by 2,000 resamples, seed 0",
    ]
    assert ended.err == "gptcli: perplexity: book.txt is plain text\n"


def test_what_has_several_parts_is_told_as_a_list(evaluate, evaluation):
    evaluation.events = [report(convention={"labels": ["very good", "bad"], "long": "head"})]
    assert "measured    labels very good, bad, long head" in evaluate().out.splitlines()


def test_what_was_asked_for_is_not_told_again(evaluate):
    assert evaluate("--task", "perplexity").err == ""


def test_models_stand_side_by_side_with_the_best_marked(evaluate, evaluation):
    evaluation.events = [report(model("a", 1.2, 0.9), model("b", 1.1, 0.8))]
    lines = evaluate("-m", "a", "-m", "b").out.splitlines()
    assert lines[:4] == [
        "               a                     b",
        "bits per byte  1.200 [1.100, 1.300]  1.100 [1.000, 1.200] *",
        "accuracy       0.9000 *              0.8000",
        "* the best of the models",
    ]


def test_on_a_terminal_the_best_is_bold(evaluate, evaluation):
    evaluation.events = [report(model("a", 1.2), model("b", 1.1, 0.4))]
    ended = evaluate(stdout=Terminal())
    assert "\x1b[1m1.100 [1.000, 1.200]\x1b[0m" in ended.out
    assert "\x1b[1m0.5000\x1b[0m" in ended.out
    assert "*" not in ended.out
    assert "\x1b" not in evaluate(stdout=Terminal(), environment={"NO_COLOR": "1"}).out


@pytest.mark.parametrize(("columns", "names"), [(56, ["a", "b"]), (48, ["a", "b"]), (40, ["a"])])
def test_a_narrow_table_has_intervals_under_the_values_then_models_under_each_other(
    evaluate, evaluation, monkeypatch, columns, names
):
    monkeypatch.setenv("COLUMNS", str(columns))
    evaluation.events = [report(model("a", 1.2), model("b", 1.1))]
    lines = [re.sub("\x1b\\[[01]m", "", line) for line in evaluate(stdout=Terminal()).out.splitlines()]
    assert lines[0].split() == names
    assert lines[1].split()[:4] == ["bits", "per", "byte", "1.200"]
    assert "[1.100, 1.300]" in lines[2 if names[1:] else 1]
    assert max(map(len, lines)) <= columns


def test_figures_that_do_not_compare_have_no_best(evaluate, evaluation):
    evaluation.events = [report(model("a", 1.2), model("b", 1.1), incomparable=frozenset({"bits_per_byte"}))]
    assert "1.100 [1.000, 1.200]\n" in evaluate().out


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            comparison(-0.25, -0.3, -0.2),
            "a is better than b: 0.2500 [0.2000, 0.3000] lower in bits per byte. a is better in 3 of 3 rows and worse "
            "in 0; by chance alone, so uneven a split or a more uneven one has p = 0.25.",
        ),
        (comparison(0.25, 0.2, 0.3, wins=0, losses=3), "a is worse than b: 0.2500 [0.2000, 0.3000] higher in bits per"),
        (
            comparison(-0.01, -0.1, 0.08, wins=2, losses=1),
            "These rows do not tell which of a and b is better: the interval of their difference in bits per byte "
            "holds 0. a is better in 2 of 3 rows and worse in 1",
        ),
        (
            comparison(1, nan, nan),
            "The difference in bits per byte has no interval, since the rows are alike in it. a is better in 3 of 3",
        ),
        (comparison(nan, nan, nan), "The difference in bits per byte has no interval. a is better in 3 of 3"),
        (comparison(-0.01, nan, nan, rows=1), "These are too few rows to tell which of a and b is better."),
        (comparison(0, nan, nan, wins=0, ties=3), "on the same rows: Both gave the same in all 3 rows. task"),
        (comparison(-0.2, -0.3, -0.1, sign_test=1e-9), "has p < 0.0001."),
    ],
)
def test_a_comparison_is_told_in_words(evaluate, evaluation, found, told):
    evaluation.events = [report(model("a", 1.2), model("b", 1.1), comparisons=(found,))]
    out = evaluate("-m", "a", "--vs", "b").out
    assert told in " ".join(out.split())
    assert "a minus b, on the same rows:\n" in out


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ((0, nan, nan, 0), (0.2, 0.1, 0.3, 3), "a and b have the same bits per byte. Yet a is better in accuracy: the"),
        ((-0.1, -0.2, 0.1, 3), (-0.2, -0.3, -0.1, 0), "p = 0.25. Yet a is worse in accuracy: the intervals of these"),
        ((-0.2, -0.3, -0.1, 3), (-0.2, -0.3, -0.1, 0), "a is better than b: 0.2000 [0.1000, 0.3000] lower in bits"),
    ],
)
def test_the_headline_is_told_first_and_what_other_figures_say_otherwise(evaluate, evaluation, first, second, told):
    parts = [
        comparison(*ends, name=name, wins=wins, ties=3 - wins)
        for (*ends, wins), name in ((first, "bits_per_byte"), (second, "accuracy"))
    ]
    both = replace(parts[0], differences=tuple(part.differences[0] for part in parts))
    evaluation.events = [report(model("a", 1.2), model("b", 1.1), comparisons=(both,))]
    out = evaluate().out
    assert told in " ".join(out.split())
    assert "Yet a is" in out
    assert ("\n  bits per byte  Both gave the same in all 3 rows.\n" in out) == (first[0] == 0)


def test_a_comparison_is_a_table_where_there_is_room(evaluate, evaluation, monkeypatch):
    found = comparison(-0.25, -0.3, -0.2)
    evaluation.events = [report(model("a", 1.2), model("b", 1.1), comparisons=(found,))]
    assert (
        "                               difference  better  equal  worse  sign test\n"
        "  bits per byte  -0.2500 [-0.3000, -0.2000]       3      0      0   p = 0.25\n"
    ) in evaluate().out
    monkeypatch.setenv("COLUMNS", "60")
    assert (
        "  bits per byte  -0.2500 [-0.3000, -0.2000]\n    better in 3, equal in 0, worse in 0; p = 0.25\n"
    ) in evaluate(stdout=Terminal()).out


def test_what_was_left_out_is_told(evaluate, evaluation):
    evaluation.events = [failed(1), report(rows_failed=1, scored=2, limit=3)]
    ended = evaluate("--limit", "3")
    assert "rows        3 read, the first ones (--limit 3), 1 of them left out since they" in ended.out
    evaluation.events = [report(rows_read=1, scored=1, limit=1)]
    assert "rows        1 read, the first one (--limit 1)\n" in evaluate("--limit", "1").out
    assert ended.err.splitlines()[1:] == [
        "gptcli: error: book.txt:2: is empty",
        "gptcli: error: 1 of 3 rows failed",
    ]
    assert ended.code == 3


def test_parts_of_texts_are_not_called_rows(evaluate, evaluation):
    evaluation.events = [report(rows_read=1, scored=23, comparisons=(comparison(-0.2, -0.3, -0.1),))]
    out = " ".join(evaluate().out.split())
    assert "1 read; the figures are of 23 texts or parts of them" in out
    assert "3 of 3 parts" in out


def test_json_is_one_object_with_every_figure(evaluate, evaluation):
    evaluation.events = [
        report(
            model("a", 1.2),
            model("b", 1.1),
            comparisons=(comparison(0.1, nan, nan),),
            bounds=(bound(0.9, passed=True),),
        )
    ]
    found = json.loads(evaluate("--json").out)
    assert (found["schema"], found["task"], found["scored"], found["limit"]) == (1, "perplexity", 3, None)
    assert found["files"] == [{"name": "book.txt", "size": 9, "sha256": "0123456789abcdef" * 4}]
    assert found["convention"] == {"context": 1024, "bos": True, "separator": None}
    assert found["models"][0]["figures"]["accuracy"] == {
        "title": "accuracy",
        "value": 0.5,
        "low": None,
        "high": None,
        "rows": 3,
        "method": "bca",
        "better": "higher",
    }
    assert found["models"][1]["details"] == {"tokens": 1234, "matrix": [[1, 0], [0, 2]]}
    (compared,) = found["comparisons"]
    assert compared["differences"]["bits_per_byte"]["low"] is None
    assert compared["differences"]["bits_per_byte"]["wins"] == 3
    assert found["bounds"] == [
        {"model": "a", "metric": "bits_per_byte", "value": 0.9, "bound": 1.0, "better": "lower", "passed": True}
    ]


def test_rows_go_to_their_file_once_the_figures_are_printed(evaluate, evaluation):
    evaluation.events = [report(model("a", 1.2), model("b", 1.1)), row(0, {"nats": 1.5}, {"nats": nan}), row(2, {}, {})]
    assert evaluate("--per-row", "rows.jsonl").code == 0
    assert evaluation.config.per_row
    assert [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()] == [
        {"index": 0, "origin": "book.txt:1", "scores": {"a": {"nats": 1.5}, "b": {"nats": None}}},
        {"index": 2, "origin": "book.txt:3", "scores": {"a": {}, "b": {}}},
    ]


def test_rows_that_cannot_all_be_had_leave_no_file(evaluate, evaluation):
    evaluation.events = [report(), row(0, {}), InputError("book.txt is gone")]
    ended = evaluate("--per-row", "rows.jsonl")
    assert (ended.code, Path("rows.jsonl").exists()) == (3, False)
    assert ended.out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("--per-row book.txt --overwrite", 2, "--per-row book.txt is the data itself: give another file"),
        ("--per-row there.jsonl", 2, "there.jsonl exists: replace it with --overwrite"),
        ("--per-row no/rows.jsonl", 3, "cannot write no/rows.jsonl: No such file or directory; make its directory"),
        ("--per-row .", 3, "cannot write .: it is a directory; give a file"),
        ("--overwrite", 2, "--overwrite needs --per-row FILE"),
        ("--fail-under accuracy", 2, "--fail-under wants METRIC=VALUE with VALUE a number, not 'accuracy'"),
        ("--fail-under accuracy=nan", 2, "--fail-under accuracy wants a number, not nan"),
        ("-m a --model a", 2, "-m a is given more than once"),
        ("-m a --vs a", 2, "--vs a is the same model as -m: give another"),
        ("--limit 0", 2, "--limit must be at least 1, not 0"),
        ("--bootstrap 99", 2, "--bootstrap must be at least 100, not 99"),
        ("--seed -1", 2, "--seed must be at least 0, not -1"),
        ("--device tpu", 2, "--device must be auto, cpu, cuda, cuda:N or mps, not 'tpu'"),
        ("--task classify --stride 3", 2, "--stride does not go with --task classify: it is for perplexity"),
        (
            "--stride 3 --labels a,b",
            2,
            "--stride and --labels contradict each other: one is for perplexity, the other for classify",
        ),
        ("--label-column x --no-generate", 2, "one is for classify, the other for complete"),
        ("--task perplexity --completion-column x", 2, "it is for complete"),
        ("--stride 0", 2, "--stride must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(evaluate, evaluation, options, code, told):
    Path("there.jsonl").write_text("kept")
    ended = evaluate(*options.split())
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert ended.err.count("\n") == 1
    assert evaluation.config is None
    assert Path("there.jsonl").read_text() == "kept"


def test_rows_into_a_directory_of_data_are_refused_where_they_are_data(gptcli, evaluation):
    Path("rows.jsonl").write_text("{}\n")
    ended = gptcli("evaluate", ".", "--per-row", "rows.jsonl", "--overwrite")
    assert (ended.code, "--per-row rows.jsonl is the data itself" in ended.err) == (2, True)
    assert Path("rows.jsonl").read_text() == "{}\n"


def test_an_unknown_task_is_refused_with_those_that_there_are(evaluate):
    ended = evaluate("--task", "translate")
    assert ended.code == 2
    assert "perplexity" in ended.err


def test_an_option_that_only_one_task_has_chooses_it(evaluate, evaluation):
    evaluate("--stride", "3")
    assert evaluation.config.task == "perplexity"
    assert evaluation.config.options("perplexity").stride == 3


def test_columns_are_handed_on(gptcli, evaluation):
    gptcli("evaluate", "book.txt", "--prompt-column", "a", "--prompt-column", "b", "--completion-column", "c")
    assert evaluation.config.wanted.columns == ("a", "b", "c")
    assert evaluation.config.task == "complete"


def test_models_and_bounds_are_handed_on(evaluate, evaluation):
    evaluate("-m", "a", "-m", "b", "--vs", "c", "--dtype", "int8", *("--fail-under", "f1 = .5", "--fail-under", "x=2"))
    config = evaluation.config
    assert [one.model for one in config.all_models] == ["a", "b", "c"]
    assert {one.dtype for one in config.all_models} == {"int8"}
    assert config.bounds == (Bound(metric="f1", value=0.5), Bound(metric="x", value=2.0))


def test_the_default_model_is_that_of_the_environment(evaluate, evaluation):
    evaluate(environment={"GPTCLI_MODEL": "my model"})
    assert evaluation.config.models == (ModelOptions(model="my model"),)
    evaluate()
    assert evaluation.config.models == (ModelOptions(),)


def test_without_data_standard_input_is_read_unless_a_person_sits_there(gptcli, evaluation, keyboard):
    gptcli("evaluate", stdin=BytesIO(b"Once."))
    assert evaluation.config.paths == ("-",)
    ended = gptcli("evaluate", stdin=keyboard)
    assert (ended.code, ended.err) == (
        2,
        "gptcli: error: no data: try gptcli evaluate FILE, or send it to standard input\n",
    )


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (bound(1.25, passed=False), "bits_per_byte of a is 1.25, above the 1 of --fail-under"),
        (bound(0.5, passed=False, better="higher"), "bits_per_byte of a is 0.5, below the 1 of --fail-under"),
        (bound(nan, passed=False), "bits_per_byte of a is nan, which is no number"),
        (bound(None, passed=False), "a has no bits_per_byte of this data, and --fail-under wants one"),
    ],
)
def test_a_broken_bound_ends_with_8_behind_the_table(evaluate, evaluation, broken, told):
    evaluation.events = [report(bounds=(bound(0.9, passed=True), broken))]
    ended = evaluate()
    assert ended.code == 8
    assert ended.err.splitlines()[1:] == [f"gptcli: error: {told}"]
    assert "bits per byte" in ended.out


def test_notices_are_warnings_and_details_need_verbose(evaluate, evaluation):
    evaluation.events = [Notice(text="texts cut: 1"), Notice(text="float32", detail=True), report()]
    assert "gptcli: warning: texts cut: 1\n" in evaluate().err
    assert "float32" not in evaluate().err
    assert "gptcli: float32\n" in evaluate("-v").err


def test_the_task_is_closed_whatever_ends_the_run(evaluate, evaluation):
    evaluation.events = [KeyboardInterrupt()]
    assert evaluate().code == 130
    assert evaluation.closed
