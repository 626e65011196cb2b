"""The table of bad data to learn from: what is wrong, and how it must end; test_bad_training_input.py runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GOOD = b"text,label\n" + b"".join(b"text of row %d,%s\n" % (n, b"bad" if n % 2 else b"good") for n in range(12))
LM = b"text\n" + b"".join(b"words of row %d\n" % n for n in range(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command line that something is wrong with, and how it must end."""

    name: str
    line: str = "finetune a.csv"
    """The runner adds a tiny model, an output directory called out and one step, unless a run was damaged."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files in the current directory."""
    damage: Callable[[Path], object] | None = None
    """Given where out is there already, a run that was stopped after its last checkpoint: what happened to it since."""
    code: int
    told: str
    """A pattern of a line of stderr: the only one where the run fails."""
    slow: bool = False


DATA = [
    Case(name="an empty file", files={"a.csv": b""}, code=3, told="a.csv is empty"),
    Case(name="a header only", files={"a.csv": b"text,label\n"}, code=3, told="a.csv has a header but no rows"),
    Case(name="one row", files={"a.csv": b"text,label\na,x\n"}, code=3, told="a.csv: only one row .*: give two or"),
    Case(
        name="one label only",
        files={"a.csv": GOOD.replace(b"bad", b"good")},
        code=3,
        told=r"a.csv: column label has one label only \(good\)",
    ),
    Case(
        name="no label at all",
        files={"a.csv": b"text,label\na,\nb,\n"},
        code=3,
        told=r"a.csv: none of 2 rows can be used \(a.csv:2: has no label\)",
    ),
    Case(
        name="labels missing in some rows",
        files={"a.csv": GOOD + b"no label,\n"},
        code=0,
        told="a.csv:14: has no label",
    ),
    Case(
        name="a label seen only in validation",
        line="finetune a.csv --validation v.csv",
        files={"a.csv": GOOD, "v.csv": b"text,label\na,good\nb,ugly\n"},
        code=3,
        told="v.csv:3: has the label ugly, which no training row has",
    ),
    Case(
        name="a row of 10 MB to label",
        line="finetune a.csv --validation-split 0",
        files={"a.csv": GOOD + b"word " * 2_000_000 + b",bad\n"},
        code=0,
        told=r"1 row was longer than a sequence: [\d,]{9,} of its tokens were not learned",
        slow=True,
    ),
    Case(
        name="a long row that is not to be cut",
        line="finetune a.csv --overflow error",
        files={"a.csv": GOOD + b"word " * 20_000 + b",bad\n"},
        code=3,
        told=r"a.csv:14: has [\d,]{6,} tokens, more than --max-length 48: shorten it, or give --overflow truncate or",
    ),
    Case(
        name="invalid UTF-8",
        files={"a.csv": "text,label\né,good\nè,bad\né,bad\nè,good\n".encode() + b"\xff,bad\n"},
        code=0,
        told="a.csv:6: is not UTF-8: byte 0xff at column 1",
    ),
    Case(name="ragged rows", files={"a.csv": GOOD + b"alone\n"}, code=0, told="a.csv:14: has 1 cell, the header has 2"),
    Case(
        name="nothing but ragged rows",
        files={"a.csv": b"text,label\na\nb\n"},
        code=3,
        told=r"a.csv: none of 2 rows can be used \(a.csv:2: has 1 cell, the header has 2\)",
    ),
    Case(
        name="a label as a number and as text",
        line="finetune a.jsonl",
        files={"a.jsonl": b'{"text":"a","label":1}\n{"text":"b","label":"1"}\n{"text":"c","label":2}\n' * 4},
        code=0,
        told="column label has the same label as a number and as text: they count as one",
    ),
    Case(
        name="a text among numbers",
        line="finetune a.csv --regression",
        files={"a.csv": b"text,label\na,1\nb,2\nc,much\n"},
        code=0,
        told="a.csv:4: has the label much, which is not a number",
    ),
    Case(
        name="duplicate header names",
        files={"a.csv": b"text,text\na,b\nc,d\n"},
        code=3,
        told="a.csv: .*more than one column named text: rename them",
    ),
    Case(
        name="a column that is missing",
        line="finetune a.csv --text-column body",
        files={"a.csv": GOOD},
        code=3,
        told="a.csv: no column body: the columns are text, label",
    ),
    Case(
        name="columns in doubt",
        files={"a.csv": b"one,two\na b,c d\ne f,g h\n"},
        code=3,
        told="a.csv: .*columns are one, two; .*--text-column",
    ),
    Case(name="a file that is missing", code=3, told="cannot read a.csv: No such file or directory; check the path"),
    Case(name="no data", line="finetune -o out", code=2, told="no data: try gptcli finetune FILE -o out"),
    Case(
        name="lines of what has rows",
        line="finetune a.csv --lines",
        files={"a.csv": GOOD},
        code=2,
        told="--lines parts plain text: it does not go with the rows of a.csv",
    ),
    Case(
        name="an unknown format",
        line="finetune a.docx",
        files={"a.docx": b"PK\3\4\0\0"},
        code=3,
        told="a.docx is not text: decompress it, or convert it to UTF-8",
    ),
]
