"""Law 3: a batch in gives the same rows out, in the same order, other columns untouched; a bad row stays a row."""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import Ended, gptcli

FEW = settings(max_examples=15, deadline=None)
OPTIONS = "-m builtin --max-new-tokens 2 --seed 1 --batch-size 3"

NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=6).map("c_".__add__)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=5,
)
PROMPTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
GOOD_ROWS = st.builds(
    lambda before, prompt, after: {**before, "prompt": prompt, **after},
    st.dictionaries(NAMES, VALUES, max_size=2),
    PROMPTS,
    st.dictionaries(NAMES, VALUES, max_size=2),
)
BAD_LINES = st.sampled_from(['{"prompt": ', "[1, 2]", "7", '{"prompt": null}', '{"prompt": ["a"]}', '{"c_": 1}', " "])


def converted(suffix: str, data: bytes, options: str = "") -> tuple[Ended, bytes]:
    """Run over a file of this kind into another; return how it ended and what was written."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, f"in{suffix}"), Path(directory, f"out{suffix}")
        source.write_bytes(data)
        ended = gptcli(f"generate -i {source} -o {target} {OPTIONS} {options}")
        return ended, target.read_bytes()


@FEW
@given(first=GOOD_ROWS, more=st.lists(GOOD_ROWS | BAD_LINES, max_size=8), samples=st.integers(1, 3))
def test_json_lines_come_back_in_order_with_their_other_members_as_they_were(
    first: dict[str, Any], more: list[dict[str, Any] | str], samples: int
) -> None:
    items = [first, *more, first]
    lines = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items]
    ended, written = converted(".jsonl", "\n".join(lines).encode(), f"-n {samples}")
    rows = [json.loads(line) for line in written.splitlines()]
    expected = [(n, s) for n, item in enumerate(items) for s in range(1 if isinstance(item, str) else samples)]
    assert [(row["index"], row.get("sample", 0)) for row in rows] == expected
    for row in rows:
        item = items[row["index"]]
        if isinstance(item, str):
            assert row["error"]
            assert "text" not in row
        else:
            assert {name: row[name] for name in item} == item
            assert list(row)[-len(item) + 1 :] == [name for name in item if name != "prompt"] or len(item) == 1
    failed = [item for item in items if isinstance(item, str)]
    assert ended.code == (3 if failed else 0)
    assert ended.out == b""
    assert ended.err.count("\n") == (len(failed) + 1 if failed else 0)


@FEW
@given(data=st.data(), names=st.lists(NAMES, max_size=3, unique=True))
def test_a_table_comes_back_with_every_cell_as_it_was_and_its_completions_behind(
    data: st.DataObject, names: list[str]
) -> None:
    header = [*names[:1], "prompt", *names[1:]]
    good = st.tuples(*(PROMPTS if name == "prompt" else CELLS for name in header)).map(list)
    ragged = st.lists(CELLS.filter(bool), min_size=1, max_size=6).filter(lambda row: len(row) != len(header))
    rows = [data.draw(good), *data.draw(st.lists(good | ragged, max_size=8))]
    ended, written = converted(".csv", table([header, *rows]))
    back = list(csv.reader(io.StringIO(written.decode(), newline=""), strict=True))
    assert back[0] == [*header, "completion"]
    assert len(back) == len(rows) + 1
    for row, result in zip(rows, back[1:], strict=True):
        assert result[: len(header)] == (row + [""] * len(header))[: len(header)]
        assert len(row) == len(header) or result[-1] == ""
    ragged_rows = sum(len(row) != len(header) for row in rows)
    assert ended.code == (3 if ragged_rows else 0)


def table(rows: list[list[str]]) -> bytes:
    """Write rows as spreadsheets do."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


@settings(max_examples=6, deadline=None)
@given(rows=st.lists(GOOD_ROWS, min_size=1, max_size=6), batch_size=st.integers(1, 5), data=st.data())
def test_a_row_gets_the_same_text_alone_in_its_place_as_among_others(
    rows: list[dict[str, Any]], batch_size: int, data: st.DataObject
) -> None:
    lines = [json.dumps(row).encode() for row in rows]
    _, together = converted(".jsonl", b"\n".join(lines), f"--batch-size {batch_size}")
    number = data.draw(st.integers(0, len(rows) - 1))
    _, alone = converted(".jsonl", b"\n".join([*[b'{"prompt": null}'] * number, lines[number]]))
    assert alone.splitlines()[number] == together.splitlines()[number]
