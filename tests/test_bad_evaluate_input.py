"""Bad input of evaluate: one clear line each, the right exit code, and nothing that was there before is lost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.bad_input import Case as BadModel
from tests.bad_models import MODELS
from tests.command import gptcli

BOOK = b"Once upon a time.\n"
LABELLED = b"text,label\na good film it was,good\nso bad a film,bad\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command line that something is wrong with, and how it must end."""

    name: str
    options: str = ""
    """Words behind gptcli evaluate -m builtin."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    code: int = 3
    told: tuple[str, ...]
    """Patterns, one for each line of stderr in order, behind the choice of the task."""
    figures: bool = False
    """Whether there are figures all the same."""


CASES = [
    Case(name="a missing file", options="no.txt", told=("cannot read no.txt: No such file or directory; check the p",)),
    Case(name="an empty file", options="in.txt", files={"in.txt": b""}, told=("in.txt is empty",)),
    Case(
        name="blank lines alone",
        options="in.txt",
        files={"in.txt": b"\n\n \n\n"},
        told=("in.txt is empty|no row|none",),
    ),
    Case(name="empty standard input", options="-", told=("standard input is empty",)),
    Case(name="no data", told=("standard input is empty",)),
    Case(
        name="a header alone", options="in.csv", files={"in.csv": b"text\n"}, told=("in.csv has a header but no rows",)
    ),
    Case(
        name="an empty file among others",
        options="a.txt b.txt",
        files={"a.txt": BOOK, "b.txt": b""},
        told=("b.txt is empty",),
    ),
    Case(name="an empty directory", options=".", told=("the directory has no file that ends in",)),
    Case(name="a file of bytes", options="in.txt", files={"in.txt": b"\0\1\2" * 99}, told=("in.txt is not text",)),
    Case(
        name="a row that is not UTF-8",
        options="in.jsonl",
        files={"in.jsonl": b'{"text": "one caf\xc3\xa9"}\n{"text": "\xff"}\n'},
        told=("in.jsonl:2: is not UTF-8: byte 0xff at column 11", "1 of 2 rows failed"),
        figures=True,
    ),
    Case(
        name="a row without its column",
        options="in.jsonl --text-column text",
        files={"in.jsonl": b'{"text": "one dog"}\n{"body": "two"}\n'},
        told=("in.jsonl:2: has no column text: it has body", "1 of 2 rows failed"),
        figures=True,
    ),
    Case(
        name="no row that can be scored",
        options="in.jsonl --text-column text",
        files={"in.jsonl": b'{"text": null}\n{"text": null}\n'},
        told=("in.jsonl:1: has no value in column text", "in.jsonl:2: has no", "of 2 rows none could be scored"),
    ),
    Case(
        name="references missing in some rows",
        options="in.csv --no-generate",
        files={"in.csv": b"prompt,completion\nOnce upon,a time\nOnce,\n"},
        code=0,
        told=("rows left out: they have no reference: 1 .first: in.csv:3.",),
        figures=True,
    ),
    Case(
        name="no references at all",
        options="in.csv --no-generate",
        files={"in.csv": b"prompt,completion\nOnce upon,\nOnce,\n"},
        told=("rows left out: they have no reference: 2", "of 2 rows none could be scored"),
    ),
    Case(
        name="a completion that is longer than the context",
        options="in.jsonl --no-generate",
        files={
            "in.jsonl": b'{"prompt": "a", "completion": "b"}\n{"prompt": "a", "completion": "%s"}\n' % (b"b " * 600)
        },
        told=("in.jsonl:2: has [0-9,]+ tokens to predict, the context holds 512", "1 of 2 rows failed"),
        figures=True,
    ),
    Case(
        name="labels missing in some rows",
        options="in.csv --labels good,bad",
        files={"in.csv": LABELLED + b"what a film,\n"},
        code=0,
        told=("rows left out: they have no label: 1 .first: in.csv:4.",),
        figures=True,
    ),
    Case(
        name="unknown labels in the data",
        options="in.csv --labels good,bad",
        files={"in.csv": LABELLED + b"what a film,great\n"},
        code=0,
        told=(
            "rows with a label that the model does not have .it has good, bad., counted as wrong: 1 .first: in.csv:4.",
        ),
        figures=True,
    ),
    Case(
        name="one class only",
        options="in.csv --labels good,bad",
        files={"in.csv": LABELLED.replace(b"bad\n", b"good\n")},
        code=0,
        told=(),
        figures=True,
    ),
    Case(
        name="a list of labels for one",
        options="in.jsonl --labels good,bad",
        files={"in.jsonl": b'{"text": "a film", "label": "good"}\n{"text": "b", "label": ["good", "bad"]}\n'},
        told=("in.jsonl:2: holds a list of labels, and the model gives each text one", "1 of 2 rows failed"),
        figures=True,
    ),
    Case(
        name="one label to choose from",
        options="in.csv --labels good",
        files={"in.csv": LABELLED},
        code=2,
        told=("--labels needs two labels or more to choose from: there is one, good",),
    ),
    Case(
        name="a template that lacks a column",
        options="in.csv --template '{title} {completion}'",
        files={"in.csv": b"prompt,completion\nOnce upon,a time\n"},
        told=("--template: no column title: the columns are prompt, completion",),
    ),
    Case(
        name="pictures where a file is",
        options="in.csv --labels good,bad --plot in.csv",
        files={"in.csv": LABELLED},
        told=("--plot in.csv: File exists",),
    ),
    Case(
        name="a column that is not there",
        options="in.csv --text-column body",
        files={"in.csv": LABELLED},
        told=("no column body: the columns are text, label",),
    ),
    Case(
        name="a task that is not",
        options="in.txt --task translate",
        files={"in.txt": BOOK},
        code=2,
        told=("'translate' is not one of", "try gptcli evaluate --help"),
    ),
    Case(
        name="a task that the data is not for",
        options="in.txt --task classify",
        files={"in.txt": BOOK},
        told=("in.txt is plain text: --task classify needs rows with columns",),
    ),
    Case(
        name="a task that the columns are not for",
        options="in.csv --task choices",
        files={"in.csv": LABELLED},
        told=("no choices: rows need a text",),
    ),
    Case(
        name="a metric that does not fit the task",
        options="in.txt --fail-under accuracy=0.9",
        files={"in.txt": BOOK},
        code=2,
        told=("--fail-under accuracy: the figures of perplexity are bits_per_byte, ",),
    ),
    Case(
        name="an option of another task",
        options="in.csv --protocol lm-eval --limit 1",
        files={"in.csv": LABELLED},
        code=2,
        told=("--protocol does not go with classify, which the data is for: give --task perplexity or choices$",),
    ),
    Case(
        name="a protocol of one task only, on the data of another",
        options="in.csv --protocol hf-docs",
        files={"in.csv": LABELLED},
        code=2,
        told=("--protocol does not go with classify, which the data is for: give --task perplexity$",),
    ),
    Case(
        name="the protocol of a task that the data never chooses",
        options="in.txt --protocol last-token",
        files={"in.txt": BOOK},
        code=2,
        told=("--protocol last-token is for --task lastword; that of perplexity is hf-docs or ",),
    ),
    Case(
        name="an option that chooses a task which the data is not for",
        options="in.txt --labels a,b",
        files={"in.txt": BOOK},
        told=("in.txt is plain text: --labels is for --task classify, which needs rows with columns",),
    ),
    Case(
        name="a text where a file belongs",
        options="'The cat sat on the mat'",
        told=("cannot read The cat sat on the mat: no such file; a text itself goes so: echo TEXT | gptcli evaluate",),
    ),
    Case(
        name="an unknown protocol",
        options="in.txt --protocol mine",
        files={"in.txt": BOOK},
        code=2,
        told=("--protocol .*mine",),
    ),
    Case(
        name="--lines of a table",
        options="in.csv --lines",
        files={"in.csv": LABELLED},
        code=2,
        told=("--lines parts plain text: it does not go with the rows of in.csv",),
    ),
    Case(
        name="labels where the model has none",
        options="in.csv",
        files={"in.csv": LABELLED},
        code=4,
        told=("--labels",),
    ),
    Case(
        name="rows into the data", options="in.txt --per-row in.txt", code=2, told=("--per-row in.txt is the data it",)
    ),
    Case(name="rows that exist", options="in.txt --per-row o.jsonl", code=2, told=("o.jsonl exists: .*--overwrite",)),
    Case(
        name="rows nowhere", options="in.txt --per-row d/o.jsonl", told=("cannot write d/o.jsonl: No such file.*make",)
    ),
    Case(name="a model that is not", options="in.txt -m nosuchmodel", code=4, told=("no model 'nosuchmodel'",)),
    Case(
        name="a --vs that is not", options="in.txt --vs ./no/model", code=4, told=("'./no/model': no such directory",)
    ),
    Case(name="the same model", options="in.txt --vs builtin", code=2, told=("--vs builtin is the same model as -m",)),
    Case(
        name="a device that is absent", options="in.txt --device cuda", code=5, told=("--device cuda: no such device",)
    ),
    Case(
        name="an empty document and one of a single token",
        options="in.csv",
        files={"in.csv": b'text\nOnce upon a time.\n""\nOnce\n'},
        code=0,
        told=("texts without a token that another predicts, left out: 1 .first: in.csv:3.",),
        figures=True,
    ),
    Case(
        name="the same where nothing stands in front",
        options="in.csv --no-bos",
        files={"in.csv": b'text\nOnce upon a time.\n""\na\n'},
        code=0,
        told=("texts without a token that another predicts, left out: 2 .first: in.csv:3.",),
        figures=True,
    ),
    Case(
        name="a single token and nothing in front",
        options="in.txt --no-bos",
        files={"in.txt": b"a"},
        told=("texts without a token .*: 1 .first: in.txt:1.", "of 1 rows none could be scored"),
    ),
    Case(
        name="a context of nothing", options="in.txt --context 0", code=2, told=("--context must be at least 1, not",)
    ),
    Case(
        name="a context that the model does not have",
        options="in.txt --context 513",
        code=2,
        told=("--context 513: this model's is 512 tokens; give --context 512 or less",),
    ),
    Case(
        name="a stride above the context",
        options="in.txt --context 8 --stride 9",
        code=2,
        told=("--stride must be at most the context, 8 tokens, not 9",),
    ),
    Case(
        name="a stride above the model's context",
        options="in.txt --stride 600",
        code=2,
        told=("--stride must be at most the context, 512 tokens, not 600",),
    ),
    Case(name="a separator of no tokens", options="in.txt --separator ''", code=2, told=("--separator has no tokens",)),
    Case(
        name="a protocol and what it settles",
        options="in.txt --protocol lm-eval --stride 100",
        code=2,
        told=("--stride and --protocol lm-eval contradict each other: leave one out",),
    ),
    Case(
        name="a text of less than two chunks",
        options="in.txt --protocol llama.cpp",
        told=("in.txt:1: has [0-9]+ tokens, --protocol llama.cpp needs two chunks of 512; give a smaller --context",),
    ),
    Case(name="no number", options="in.txt --limit x", code=2, told=("'x' is not a valid int", "try gptcli evaluate")),
]
CHOICE = re.compile("gptcli: (perplexity|classify|complete|choices): ")
KEPT = {"in.txt": BOOK, "o.jsonl": b"kept\n"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_ends_in_one_clear_line_and_nothing_else_is_lost(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    files = case.files or (KEPT if "in.txt" in case.options else {})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    ended = gptcli(f"evaluate -m builtin {case.options}", case.stdin)
    lines = [line for line in ended.err.splitlines() if not CHOICE.match(line)]
    assert ended.code == case.code, ended.err
    assert len(lines) == len(case.told), ended.err
    for line, pattern in zip(lines, case.told, strict=True):
        assert re.search(pattern, line), line
        assert line.startswith("gptcli: ")
    assert bool(ended.out) == case.figures
    assert {name: (tmp_path / name).read_bytes() for name in files} == dict(files)


@pytest.mark.parametrize("case", [case for case in MODELS if case.code == 4], ids=lambda case: case.name)
def test_a_damaged_model_is_refused_as_by_generate(
    case: BadModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_bytes(BOOK)
    case.make(tmp_path)
    ended = gptcli("evaluate -q book.txt -m m")
    assert (ended.code, ended.out) == (4, b"")
    (line,) = ended.err.splitlines()
    assert re.search(case.told, line), line
