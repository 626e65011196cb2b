"""The table of bad input: what is wrong, and how gptcli must end; tests/test_bad_input.py runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Make = Callable[[Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command line that something is wrong with, and how it must end."""

    name: str
    options: str = ""
    """Words behind those of the runner, which gives a seed, two tokens and the built-in model."""
    command: str | None = None
    """The whole command line, where that itself is wrong."""
    stdin: bytes = b"one\ntwo\n"
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files in the current directory."""
    make: Make | None = None
    """Makes in that directory what bytes alone cannot say."""
    code: int
    told: str = ""
    """A pattern of exactly one line of stderr; empty where nothing is to be said."""
    rows: str = ""
    """What stdout holds, a character a row: + a completion, - an error row."""
    kept: Mapping[str, bytes] = field(default_factory=dict)
    """Files that must be there afterwards, as they were."""


LONG = b"one\n" + b"a b " * 400 + b"\n"

TEXT = [
    Case(name="empty stdin", stdin=b"", code=3, told="standard input is empty"),
    Case(
        name="an empty line",
        stdin=b"one\n\ntwo\n",
        code=0,
        told="empty prompts, continued from the beginning-of-text token: 1 .first: standard input:2.",
        rows="+++",
    ),
    Case(name="only line ends", stdin=b"\r\n\n", code=0, told="empty prompts.*: 2", rows="++"),
    Case(
        name="a line that is not UTF-8",
        stdin=b"one\n\xff two\nthree\n",
        code=3,
        told="standard input:2: is not UTF-8: byte 0xff at column 1",
        rows="+-+",
    ),
    Case(name="UTF-16", stdin="one\ntwo\n".encode("utf-16"), code=3, told="UTF-16.*iconv"),
    Case(name="NUL bytes", stdin=b"o\0ne\n\0\n", code=0, rows="++"),
    Case(name="a BOM", stdin=b"\xef\xbb\xbfone\n", code=0, rows="+"),
    Case(name="nothing but a BOM", stdin=b"\xef\xbb\xbf", code=3, told="standard input is empty"),
    Case(name="CRLF", stdin=b"one\r\ntwo\r\n", code=0, rows="++"),
    Case(
        name="a line of 10 MB",
        stdin=b"one\n" + b"hello world " * 833_333 + b"\ntwo\n",
        code=3,
        told="standard input:2: has at least 624,999 tokens, the context holds 512; --overflow",
        rows="+-+",
    ),
    Case(
        name="a prompt that is longer than the context",
        stdin=LONG,
        code=3,
        told="standard input:2: has [0-9]+ tokens, the context holds 512; --overflow truncate-left or slide",
        rows="+-",
    ),
    Case(
        name="the same, cut",
        options="--overflow truncate-left",
        stdin=LONG,
        code=0,
        told="prompts cut to their last 511 tokens: 1 .first: standard input:2.",
        rows="++",
    ),
    Case(
        name="the same, sliding",
        options="--overflow slide",
        stdin=LONG,
        code=0,
        told="prompts cut to their last 512 tokens: 1 .first: standard input:2.",
        rows="++",
    ),
    Case(
        name="a continuation that the context ends",
        options="--max-new-tokens 600 --greedy --logit-bias 0=-100",
        stdin=b"one\n",
        code=0,
        told="continuations that end at the context window of 512 tokens.*: 1",
        rows="+",
    ),
    Case(
        name="--max-length below the prompt",
        command="generate --jsonl -m builtin --max-length 3",
        stdin=b"one\nOnce upon a time there was a dog\n",
        code=3,
        told="standard input:2: has [0-9]+ tokens: --max-length 3 leaves no room",
        rows="+-",
    ),
]

FILES = [
    Case(
        name="ragged CSV",
        options="-i in.csv",
        files={"in.csv": b"id,prompt\n1,one\n2\n3,three,more\n4,four\n"},
        code=3,
        told="in.csv:3: has 1 cell, the header has 2",
        rows="+--+",
    ),
    Case(
        name="a quote that is never closed",
        options="-i in.csv",
        files={"in.csv": b'id,prompt\n1,one\n2,"two\n3,three\n'},
        code=3,
        told="in.csv:3: opens a quote that is never closed",
        rows="+-",
    ),
    Case(
        name="a missing column",
        options="-i in.csv",
        files={"in.csv": b"id,body\n1,one\n"},
        code=3,
        told="in.csv: no column prompt or text: choose one of id, body with --column NAME",
    ),
    Case(
        name="a missing column that was named",
        options="-i in.csv --column title",
        files={"in.csv": b"id,prompt\n1,one\n"},
        code=3,
        told="in.csv: no column title: choose one of id, prompt with --column NAME",
    ),
    Case(
        name="lines that are no JSON objects",
        options="-i in.jsonl",
        files={"in.jsonl": b'{"prompt": "one"}\n{"prompt": \n[1]\n{"prompt": null}\n{"prompt": "two"}\n'},
        code=3,
        told="in.jsonl:2: is not JSON",
        rows="+---+",
    ),
    Case(name="no rows", options="-i in.csv", files={"in.csv": b"prompt\n"}, code=3, told="header but no rows"),
    Case(name="an empty file", options="-i in.csv", files={"in.csv": b""}, code=3, told="in.csv is empty"),
    Case(name="a missing file", options="-i in.txt", code=3, told="cannot read in.txt: No such file or directory"),
    Case(name="a directory as input", options="-i .", code=3, told="cannot read .: it is a directory"),
    Case(
        name="a directory as output",
        command="generate -m builtin -o d.jsonl",
        make=lambda directory: (directory / "d.jsonl").mkdir(),
        code=3,
        told="cannot write d.jsonl: it is a directory",
    ),
    Case(
        name="a directory that is missing",
        command="generate -m builtin -o d/o.jsonl",
        code=3,
        told="cannot write d/o.jsonl: No such file or directory; make its directory",
    ),
    Case(
        name="a file in the place of the output's directory",
        command="generate -m builtin -o d/o.jsonl",
        files={"d": b"mine"},
        code=3,
        told="cannot write d/o.jsonl: Not a directory",
        kept={"d": b"mine"},
    ),
    Case(
        name="a directory that nothing can be written to",
        command="generate -m builtin -o d/o.jsonl",
        make=lambda directory: (directory / "d").symlink_to("/proc/self/fdinfo"),
        code=3,
        told="cannot write d/o.jsonl: ",
    ),
    Case(
        name="an output that exists",
        command="generate -m builtin -o o.jsonl",
        files={"o.jsonl": b"precious"},
        code=2,
        told="o.jsonl exists: replace it with --overwrite, or continue it with --resume",
        kept={"o.jsonl": b"precious"},
    ),
    Case(
        name="an output of no known format",
        command="generate -m builtin -o o.docx",
        code=2,
        told=r"o\.docx.*\.jsonl",
    ),
]
