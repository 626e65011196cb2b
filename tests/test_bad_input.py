"""Bad input of every kind: one clear line on stderr, the right exit code, no traceback, and nothing else lost."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bad_explanations import EXPLANATIONS
from tests.bad_input import FILES, TEXT, Case
from tests.bad_labels import LABELS
from tests.bad_models import MODELS
from tests.command import gptcli

COMMAND = "generate --jsonl -m builtin --max-new-tokens 2 --seed 1"

WRONG = {
    "--temperature -1": "--temperature must be at least 0, not -1",
    "--temperature nan": "--temperature must be a finite number, not nan",
    "--temperature inf": "--temperature must be a finite number, not inf",
    "--top-p 2": "--top-p must be above 0 and at most 1, not 2",
    "--top-p 0": "--top-p must be above 0 and at most 1, not 0",
    "--top-p nan": "--top-p must be above 0 and at most 1, not nan",
    "--min-p 1.5": "--min-p must be between 0 and 1, not 1.5",
    "--top-k -1": "--top-k must be at least 0, not -1",
    "-n 0": "--num-samples must be at least 1, not 0",
    "-n 1.5": "'1.5' is not a valid int",
    "--repetition-penalty 0": "--repetition-penalty must be above 0",
    "--repetition-penalty nan": "--repetition-penalty must be above 0",
    "--num-beams 2 --length-penalty nan": "--length-penalty must be between -10 and 10, not nan",
    "--num-beams 2 --length-penalty 1e300": "--length-penalty must be between -10 and 10, not 1e[+]300",
    "--num-beams 2 -n 3": "--num-samples 3 needs --num-beams 3 or more, not 2",
    "--max-new-tokens 0": "--max-new-tokens must be at least 1, not 0",
    "--min-new-tokens 3": "--min-new-tokens 3 needs --max-new-tokens of as many",
    "--seed -1": "--seed must be at least 0, not -1",
    "--batch-size 0": "--batch-size must be at least 1, not 0",
    "--threads 0": "--threads must be at least 1, not 0",
    "--threads 1000000": "--threads must be at most",
    "--stop ''": "--stop must not be empty",
    "--logit-bias king": "--logit-bias wants TOKEN=X with X a number, not 'king'",
    "--logit-bias king=nan": "--logit-bias wants TOKEN=X with X a number",
    "--logit-bias king=inf": "--logit-bias 'king' must be below infinity, not inf",
    "--logit-bias 'once upon=1'": "--logit-bias 'once upon' is not one token of builtin; it is [0-9] tokens:",
    "--logit-bias 8192=1": "--logit-bias 8192: the ids of builtin are below 8192",
    "--device tpu": "--device must be auto, cpu, cuda, cuda:N or mps, not 'tpu'",
    "--json": "--jsonl and --json contradict each other",
    "--max-length 9": "--max-new-tokens and --max-length contradict each other",
    "--greedy --top-p 0.5": "--top-p cannot apply with --greedy",
    "--greedy -n 2": "--num-samples 2 cannot apply with --greedy",
    "--num-beams 2 --temperature 2": "--temperature cannot apply with --num-beams 2",
    "--num-beams 2 --overflow slide": "--num-beams .* does not go with --overflow slide",
    "--length-penalty 2": "--length-penalty needs --num-beams 2 or more",
    "--backend torch --dtype int8": "--dtype int8 needs --backend onnx",
    "--backend onnx --device cuda": "--backend onnx .* does not go with --device cuda",
    "--null": "--null .* does not go with --jsonl",
    "--column title": "--column needs -i FILE",
    "--resume": "--resume needs -o FILE",
    "-i in.txt prompt": "PROMPT and -i FILE contradict each other",
    "--whole prompt": "--whole .* does not go with PROMPT",
    "-q -v": "--quiet and --verbose contradict each other",
    "--no-such-option": "No such option: --no-such-option",
}

OPTIONS = [
    *(Case(name=options, options=options, code=2, told=told) for options, told in WRONG.items()),
    Case(name="a huge penalty", options="--repetition-penalty 1e300", code=0, rows="++"),
    Case(name="a whole vocabulary to choose from", options="--top-k 1000000000000", code=0, rows="++"),
    Case(name="no command", command="", code=2, told="Usage: gptcli"),
    Case(name="an unknown command", command="genrate x", code=2, told="No such command 'genrate'"),
    Case(name="a device that is absent", options="--device cuda", code=5, told="--device cuda: no such device.*cpu"),
    Case(name="no such model", options="-m nosuchmodel", code=4, told="no model 'nosuchmodel'.*-m builtin"),
    Case(name="no such directory", options="-m ./no/model", code=4, told="'./no/model': no such directory"),
    Case(name="more memory than there is", options=f"--batch-size {10**12}", code=5, told="lower --batch-size"),
]
CASES = [*TEXT, *FILES, *(replace(case, options="-m m") for case in MODELS), *OPTIONS, *LABELS, *EXPLANATIONS]
CASES += [replace(case, name=f"explain, {case.name}", command="explain --jsonl -m m") for case in MODELS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_ends_in_one_clear_line_and_nothing_else_is_lost(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name, data in case.files.items():
        (tmp_path / name).write_bytes(data)
    if case.make is not None:
        case.make(tmp_path)
    line = f"{COMMAND} {case.options}" if case.command is None else case.command
    ended = gptcli(line, case.stdin)
    printed = capsys.readouterr()
    stderr = ended.err + printed.err
    assert (ended.code, printed.out) == (case.code, ""), stderr
    assert "Traceback" not in stderr
    assert_one_line(stderr, case)
    rows = [json.loads(row) for row in ended.out.splitlines()]
    assert "".join("-" if "error" in row else "+" for row in rows) == case.rows
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert {name: (tmp_path / name).read_bytes() for name in case.kept} == case.kept


def assert_one_line(stderr: str, case: Case) -> None:
    """Check that stderr explains itself once: failed rows are counted behind it, usage errors point to the help."""
    lines = stderr.splitlines()
    matching = [line for line in lines if re.search(case.told, line)]
    assert len(matching) == bool(case.told), stderr
    if case.command == "":  # the help
        return
    assert all(line.startswith("gptcli: ") for line in lines), stderr
    failed = case.rows.count("-")
    is_refused = case.code == 2 and re.search("No such|is not a valid|is not one of", stderr) is not None
    others = failed or is_refused
    assert len(lines) == bool(case.told) + others, stderr
