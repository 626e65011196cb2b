"""evaluate in several processes: the figures of one, the same rows left out, and the same said of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.classifiers import save_random_classifier
from tests.launched import Place

WORDS = ("a lake", "the sea", "one tree", "no rain", "much sun")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Place:
    """Return a place with data of each kind in it, some rows of which fail or are cut."""
    directory = tmp_path_factory.mktemp("measured")
    (directory / "tiny").symlink_to(tiny)
    (directory / "head").mkdir()
    save_random_classifier(directory / "head", "neg", "pos")
    rows: dict[str, list[dict[str, object]]] = {"labels": [], "completions": [], "choices": []}
    for number in range(11):
        text = f"{WORDS[number % 5]} {number} " * (number + 1)
        rows["labels"].append({"text": text, "label": ("neg", "pos", "pos")[number % 3]})
        rows["completions"].append({"prompt": text[:20], "completion": WORDS[-number % 5] * (1 + 9 * (number == 3))})
        endings = [f"ends {word}" for word in WORDS[:4]]
        rows["choices"].append({"ctx": text[:20], "endings": endings if number != 4 else [], "label": number % 4})
    for name, records in rows.items():
        (directory / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (directory / "book.txt").write_text(" ".join(f"{WORDS[number % 5]} {number}." for number in range(120)))
    return Place(directory=directory)


def figures(out: bytes) -> list[dict[str, Any]]:
    """Return what is told of each model."""
    models: list[dict[str, Any]] = json.loads(out)["models"]
    return models


def close(value: Any) -> Any:
    """Return what equals a value of JSON but for the last digits: rows that are read together move those."""
    if isinstance(value, dict):
        return {key: close(each) for key, each in value.items()}
    if isinstance(value, list):
        return [close(each) for each in value]
    return pytest.approx(value, rel=1e-5, abs=1e-6) if isinstance(value, float) else value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("book.txt -m tiny --stride 20", 0),
        ("book.txt -m tiny --lines", 0),
        ("labels.jsonl -m tiny --task perplexity --text-column text --separator x", 0),
        ("labels.jsonl -m head", 0),
        ("labels.jsonl -m tiny --labels neg,pos", 0),
        ("completions.jsonl -m tiny --max-new-tokens 4", 3),
        ("choices.jsonl -m tiny", 3),
    ],
)
def test_figures_and_what_is_said_are_those_of_one_process(place: Place, line: str, code: int) -> None:
    alone, shared = place.alone_and_shared(f"evaluate {line} --bootstrap 100 --json")
    assert (shared.code, shared.err) == (alone.code, alone.err)
    assert alone.code == code, alone.err
    assert json.loads(shared.out) == close(json.loads(alone.out))


@pytest.mark.slow
def test_rows_have_the_scores_of_one_process_in_the_order_of_the_input(place: Place) -> None:
    line = "evaluate labels.jsonl -m tiny --vs builtin --labels neg,pos --bootstrap 100"
    alone, shared = (
        place.run(f"{line} --per-row one.jsonl"),
        place.run(f"{line} --per-row three.jsonl --num-processes 3"),
    )
    assert (shared.code, shared.err, shared.out) == (0, alone.err, alone.out)
    one, three = (
        [json.loads(row) for row in (place.directory / name).read_text().splitlines()]
        for name in ("one.jsonl", "three.jsonl")
    )
    assert [row["index"] for row in three] == list(range(11))
    assert three == close(one)


@pytest.mark.slow
def test_data_on_standard_input_is_shared_too(place: Place) -> None:
    book = (place.directory / "book.txt").read_bytes()
    alone, shared = place.alone_and_shared("evaluate -m tiny --bootstrap 100 --json", book)
    assert (shared.code, shared.err) == (0, alone.err)
    assert figures(shared.out) == close(figures(alone.out))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("book.txt -m tiny --fail-under bits_per_byte=0.1", 8, "bits_per_byte of tiny is"),
        ("labels.jsonl -m tiny --label-column nothing", 3, "no column nothing"),
    ],
)
def test_an_end_that_is_not_good_is_told_in_one_line(place: Place, line: str, code: int, told: str) -> None:
    found = place.run(f"evaluate {line} --bootstrap 100 --num-processes 2")
    assert found.code == code
    (error,) = (said for said in found.err.splitlines() if "error" in said)
    assert error.startswith(f"gptcli: error: {told}")
