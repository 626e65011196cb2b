"""gptcli evaluate on text with real models, as a user calls it: one, two, and two with other tokenizers."""

import json
import re
from pathlib import Path

import pytest

from tests.command import Ended, gptcli
from tests.conftest import save_random_gpt2

BOOK = "Once upon a time there was a fox.\n<|endoftext|>\nIt ran, and it ran.\n<|endoftext|>\nThe end\n"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return another model with the tokenizer of tiny."""
    return save_random_gpt2(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(autouse=True)
def _book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    Path("book.txt").write_text(BOOK, encoding="utf-8")


def evaluate(line: str, stdin: bytes = b"") -> Ended:
    return gptcli(f"evaluate {line} --bootstrap 100", stdin)


def figures(ended: Ended) -> dict[str, float]:
    """Return the first model's figures in JSON."""
    (found, *_) = json.loads(ended.out)["models"]
    return {name: figure["value"] for name, figure in found["figures"].items()}


def test_a_file_standard_input_and_a_column_of_it_have_the_same_figures(tiny: Path) -> None:
    rows = [json.dumps({"text": text.strip()}) for text in BOOK.split("<|endoftext|>")]
    Path("book.jsonl").write_text("\n".join(rows), encoding="utf-8")
    from_file = evaluate(f"book.txt -m {tiny} --json")
    from_stdin = evaluate(f"-m {tiny} --json", BOOK.encode())
    assert json.loads(from_file.out)["files"][0]["sha256"] == json.loads(from_stdin.out)["files"][0]["sha256"]
    found = pytest.approx(figures(from_file), rel=1e-5)
    assert figures(from_stdin) == found
    assert figures(evaluate(f"book.jsonl -m {tiny} --json")) == found


def test_two_models_are_compared_row_by_row(tiny: Path, other: Path) -> None:
    ended = evaluate(f"book.txt -m {tiny} --vs {other} --per-row rows.jsonl --json")
    found = json.loads(ended.out)
    (compared,) = found["comparisons"]
    first, second = (model["figures"]["bits_per_byte"]["value"] for model in found["models"])
    assert compared["differences"]["bits_per_byte"]["value"] == pytest.approx(first - second)
    assert set(compared["differences"]) == {"bits_per_byte", "nats_per_token"}
    rows = [json.loads(line)["scores"] for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()]
    better = sum(row[str(tiny)]["bits_per_byte"] < row[str(other)]["bits_per_byte"] for row in rows)
    assert (better, len(rows)) == (compared["differences"]["bits_per_byte"]["wins"], 3)
    assert [json.loads(line)["origin"] for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()] == [
        "book.txt:1",
        "book.txt:3",
        "book.txt:5",
    ]


def test_with_another_tokenizer_bytes_compare_and_tokens_do_not(tiny: Path) -> None:
    ended = evaluate(f"book.txt -m {tiny} --vs builtin --json")
    found = json.loads(ended.out)
    assert list(found["comparisons"][0]["differences"]) == ["bits_per_byte"]
    assert found["incomparable"] == ["nats_per_token", "token_perplexity"]
    assert "warning: the models' tokenizers differ: nats_per_token, token_perplexity do not compare" in ended.err
    assert all(model["figures"]["token_perplexity"]["value"] for model in found["models"])


def test_a_text_that_is_too_hard_breaks_the_bound_behind_its_table(tiny: Path) -> None:
    ended = evaluate(f"book.txt -m {tiny} --fail-under bits_per_byte=100 --fail-under bits_per_byte=0.1")
    assert ended.code == 8
    assert re.search(r"error: bits_per_byte of \S+ is \d+\.\d+, above the 0\.1 of --fail-under$", ended.err)
    assert b"perplexity per byte" in ended.out


def test_neither_the_order_of_models_nor_the_batch_size_moves_a_figure(tiny: Path, other: Path) -> None:
    both = json.loads(evaluate(f"book.txt -m {tiny} -m {other} --json").out)["models"]
    turned = json.loads(evaluate(f"book.txt -m {other} -m {tiny} --batch-size 1 --json").out)["models"]
    for one, same in zip(both, reversed(turned), strict=True):
        for name, figure in one["figures"].items():
            assert figure["value"] == pytest.approx(same["figures"][name]["value"], rel=1e-5)
