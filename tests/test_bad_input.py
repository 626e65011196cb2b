"""Bad input of every kind: one clear line on stderr, the right exit code, no traceback, and nothing else lost."""

import json
import os
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from gptcli.cli.console import Console
from gptcli.cli.main import run

Make = Callable[[Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command line that something is wrong with, and how it must end."""

    name: str
    options: str = ""
    """Words behind `gptcli generate --jsonl -m builtin --max-new-tokens 2 --seed 1`; the case's directory is current."""
    stdin: bytes = b"one\ntwo\n"
    files: Mapping[str, bytes] = field(default_factory=dict)
    make: Make | None = None
    """Make in the directory what bytes alone cannot say."""
    code: int
    told: str
    """A part of exactly one line of stderr; empty where nothing is to be said."""
    rows: str = ""
    """What stdout holds, a character a row: + a completion, - an error row."""


def model(change: Make, *, without: str = "") -> Make:
    """Return a maker of a copy of the built-in model in m/ with one thing wrong."""

    def make(directory: Path) -> None:
        source = Path(__file__).parents[1] / "gptcli" / "builtin"
        shutil.copytree(source, directory / "m", ignore=shutil.ignore_patterns("*.py", "__pycache__", *without.split()))
        change(directory / "m")

    return make


def lacking(names: str) -> Make:
    """Return a maker of a model without some of its files."""
    return model(lambda _: None, without=names)


def rewritten(name: str, **values: object) -> Make:
    """Return a maker of a model with other values in one of its JSON files."""
    return model(lambda m: (m / name).write_text(json.dumps(json.loads((m / name).read_text()) | values)))


def cut(m: Path) -> None:
    """Cut the weights in the middle."""
    weights = m / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def lose_a_tensor(m: Path) -> None:
    """Give the final norm another name."""
    weights = m / "model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b'"transformer.ln_f.bias"', b'"transformer.ln_g.bias"', 1))


def read_only(directory: Path) -> None:
    """Make a directory that nobody can write to, not even root."""
    (directory / "gone").symlink_to("/proc/self")


def existing(text: str) -> Make:
    """Return a maker of a result of an earlier run."""
    return lambda directory: (directory / "o.jsonl").write_text(text)


TEXT = [
    Case(name="empty stdin", stdin=b"", code=3, told="standard input is empty"),
    Case(
        name="an empty line",
        stdin=b"one\n\ntwo\n",
        code=0,
        told=r"1 empty prompts? .*beginning-of-text.*standard input:2",
        rows="+++",
    ),
    Case(name="only line ends", stdin=b"\r\n\n", code=0, told=r"2 empty prompts", rows="++"),
    Case(
        name="a line that is not UTF-8",
        stdin=b"one\n\xff two\nthree\n",
        code=3,
        told=r"standard input:2: is not UTF-8: byte 0xff at column 1",
        rows="+-+",
    ),
    Case(name="UTF-16", stdin="one\ntwo\n".encode("utf-16"), code=3, told="UTF-16.*iconv"),
    Case(name="NUL bytes", stdin=b"o\0ne\n\0\n", code=0, told="", rows="++"),
    Case(name="a BOM", stdin=b"\xef\xbb\xbfone\n", code=0, told="", rows="+"),
    Case(name="nothing but a BOM", stdin=b"\xef\xbb\xbf", code=3, told="standard input is empty"),
    Case(name="CRLF", stdin=b"one\r\ntwo\r\n", code=0, told="", rows="++"),
    Case(
        name="a line of 10 MB",
        stdin=b"one\n" + b"hello world " * 833_333 + b"\ntwo\n",
        code=3,
        told=r"standard input:2: has at least [\d,]+ tokens, the context holds 512; --overflow",
        rows="+-+",
    ),
    Case(
        name="a prompt that is longer than the context",
        stdin=b"one\n" + b"a b " * 400 + b"\n",
        code=3,
        told="standard input:2: has [0-9]+ tokens, the context holds 512; --overflow truncate-left or slide",
        rows="+-",
    ),
    Case(
        name="the same, cut",
        options="--overflow truncate-left",
        stdin=b"one\n" + b"a b " * 400 + b"\n",
        code=0,
        told="1 prompts? .* last 510 tokens .*standard input:2",
        rows="++",
    ),
    Case(
        name="the same, sliding",
        options="--overflow slide",
        stdin=b"one\n" + b"a b " * 400 + b"\n",
        code=0,
        told="1 prompts? .* last 512 tokens .*standard input:2",
        rows="++",
    ),
    Case(
        name="a continuation that the context ends",
        options="--max-new-tokens 600 --greedy --logit-bias 0=-100",
        stdin=b"one\n",
        code=0,
        told="1 continuations? ended at the context window of 512 tokens; --overflow slide",
        rows="+",
    ),
    Case(
        name="--max-length below the prompt",
        options="--max-length 3",
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
        told=r"in\.csv:3: has 1 cells?, the header has 2",
        rows="+--+",
    ),
    Case(
        name="a quote that is never closed",
        options="-i in.csv",
        files={"in.csv": b'id,prompt\n1,one\n2,"two\n3,three\n'},
        code=3,
        told=r"in\.csv:3: opens a quote",
        rows="+-",
    ),
    Case(
        name="a missing column",
        options="-i in.csv",
        files={"in.csv": b"id,body\n1,one\n"},
        code=3,
        told=r"in\.csv: no column prompt or text: choose one of id, body with --column",
    ),
    Case(
        name="a missing column that was named",
        options="-i in.csv --column title",
        files={"in.csv": b"id,prompt\n1,one\n"},
        code=3,
        told="no column title: choose one of id, prompt",
    ),
    Case(
        name="lines that are no JSON objects",
        options="-i in.jsonl",
        files={"in.jsonl": b'{"prompt": "one"}\n{"prompt": \n[1]\n{"prompt": null}\n{"prompt": "two"}\n'},
        code=3,
        told=r"in\.jsonl:2: is not JSON",
        rows="+---+",
    ),
    Case(name="a CSV without rows", options="-i in.csv", files={"in.csv": b"prompt\n"}, code=3, told="no rows"),
    Case(name="an empty file", options="-i in.csv", files={"in.csv": b""}, code=3, told="in.csv is empty"),
    Case(name="a missing file", options="-i in.txt", code=3, told="cannot read in.txt: No such file or directory"),
    Case(name="a directory as input", options="-i .", code=3, told=r"cannot read \.: it is a directory"),
    Case(name="a directory as output", options="-o .", code=2, told=r"suffix|\.jsonl"),
]
