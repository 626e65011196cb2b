"""The table of labels in words that something is wrong with; a part of the table of bad input."""

from pathlib import Path

from tests.bad_input import Case
from tests.classifiers import save_random_classifier

SHOTS = b"text,label\nso good,a\nso bad,b\n"

WRONG = {
    "--labels a": "--labels needs two labels or more to choose from: there is one, a",
    "--labels a,b,a": "--labels has the label a more than once",
    "--labels a,,b": "--labels 'a,,b' has an empty label",
    "--labels ''": "--labels '' has an empty label",
    "--labels a,b --labels-file l.txt": "--labels and --labels-file contradict each other",
    "--labels a,b --template 'so {label}'": "--template has no {text}: write {text} where the text goes",
    "--labels a,b --template 'so {text}'": "--template has no {label}: write {text} where the text goes",
    "--labels a,b --template '{label} {text}'": "--template must have {label} behind {text}",
    "--labels a,b --template '{text} {title} {label}'": "--template has the field {title}",
    "--labels a,b --template '{text} {label'": "--template has a lone {",
    "--labels a,b --scoring pmi --calibrate": "--calibrate does not go with --scoring pmi",
    "--labels a,b --shots 2": "--shots needs --examples FILE",
    "--labels a,b --seed 2": "--seed needs --examples FILE",
    "--labels a,b --examples s.csv --shots 0": "--shots must be at least 1, not 0",
    "--labels a,b --examples s.csv --seed -1": "--seed must be at least 0",
    "--labels a,b --threshold 0.5": "--threshold cannot apply: each text is given one of --labels",
    "--labels a,b --label-separator ,": "--label-separator cannot apply: each text is given one of --labels",
    "--labels a,b --abstain-label none": "--abstain-label needs --min-prob",
    "--template '{text} {label}'": "--template needs --labels A,B,... or --labels-file FILE",
    "--scoring mean": "--scoring needs --labels",
    "--calibrate": "--calibrate needs --labels",
    "--no-calibrate": "--no-calibrate needs --labels",
    "--examples s.csv": "--examples needs --labels",
}
FILES = [
    ("no file of labels", "--labels-file l.txt", {}, "cannot read l.txt: No such file or directory"),
    ("an empty file of labels", "--labels-file l.txt", {"l.txt": b""}, "l.txt is empty"),
    ("labels that are no JSON", "--labels-file l.json", {"l.json": b"{"}, "l.json is not JSON"),
    ("no examples", "--labels a,b --examples s.csv", {}, "cannot read s.csv: No such file or directory"),
    (
        "examples without rows",
        "--labels a,b --examples s.csv",
        {"s.csv": b"text,label\n"},
        "s.csv has a header but no rows",
    ),
    (
        "an example of another label",
        "--labels a,c --examples s.csv",
        {"s.csv": SHOTS},
        "s.csv:3: has the label b, which is none of a, c",
    ),
    (
        "an example without a label",
        "--labels a,b --examples s.csv",
        {"s.csv": SHOTS + b"so so,\n"},
        "s.csv:4: has no label",
    ),
    (
        "examples whose columns say nothing",
        "--labels a,b --examples s.csv",
        {"s.csv": b"first,second\nso good,very good\nso bad,very bad\n"},
        "s.csv: which columns of the examples are text and label is in doubt: call them text and label",
    ),
    (
        "examples that are too long",
        "--labels a,b --examples s.csv",
        {"s.csv": b"text,label\n" + b"a b " * 400 + b",a\n"},
        "s.csv: no example fits the [0-9]+ tokens of the context",
    ),
]


def classify(options: str) -> str:
    """Return a command line that labels with the built-in model."""
    return f"classify --jsonl -m builtin {options}"


def make_classifier(directory: Path) -> None:
    """Make a model with labels of its own in m/."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    save_random_classifier(directory / "m", "bad", "good")


LABELS = [
    *(Case(name=options, command=classify(options), code=2, told=told) for options, told in WRONG.items()),
    *(
        Case(name=name, command=classify(options), files=files, code=3, told=told, kept=files)
        for name, options, files, told in FILES
    ),
    Case(
        name="neither a head nor labels",
        command=classify(""),
        code=4,
        told="builtin has no classification head; name the labels with --labels .* gptcli finetune DATA -m builtin",
    ),
    Case(
        name="labels in words for a model that has its own",
        command="classify --jsonl -m m --labels a,b",
        make=make_classifier,
        code=2,
        told="--labels cannot apply: m was tuned to tell bad, good, and not a, b: leave --labels out",
    ),
    Case(
        name="a label of one name in a file",
        command=classify("--labels-file l.txt"),
        files={"l.txt": b"good\tso good\nfine\tso good\n"},
        code=2,
        told="the labels good and fine have the same description",
    ),
    Case(
        name="a template that fills the context",
        command=classify(f"--labels a,b --template '{'so ' * 510}{{text}} {{label}}'"),
        code=2,
        told="template and labels leave [0-9]+ tokens of the context for a text, which needs 16",
    ),
    Case(
        name="a row without a text among others",
        command=classify("--labels a,b -i in.jsonl"),
        files={"in.jsonl": b'{"text": "one"}\n{"text": null}\n{"text": "two"}\n'},
        code=3,
        told="in.jsonl:2: has no value in column text",
        rows="+-+",
    ),
]
