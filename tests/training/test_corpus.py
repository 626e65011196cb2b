"""A corpus is tokenized once, as each document alone would be, and never half."""

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.errors import ConfigError, InputError
from gptcli.training import corpus_documents, corpus_writing
from gptcli.training.corpus import SIDECAR, open_corpus, why_stale
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_writing import is_held_out, tokenize_corpus
from tests.training.corpus import STORIES, key_of, small_tokenizer, tokenized


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vocabulary")
    small_tokenizer(directory)
    return directory


@pytest.fixture
def tokenizer(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return small_tokenizer(tmp_path_factory.mktemp("again"))


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps({"title": "t", "text": text}) + "\n" for text in STORIES), encoding="utf-8")
    return path


def stream_of(texts: list[str], tokenizer: Tokenizer) -> list[int]:
    return [0, *(token for text in texts for token in [*tokenizer.encode(text), 0])]


def texts_of(path: Path) -> list[str]:
    return [document.text for document in Documents([str(path)])]


@pytest.mark.parametrize("batch", [1, 200, 1 << 21])
def test_the_stream_is_every_document_behind_an_end_of_text(
    stories: Path, vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_writing, "_BATCH_CHARACTERS", batch)
    corpus = tokenized([stories], vocabulary, tmp_path / "out")
    assert isinstance(corpus.train.tokens, np.memmap)
    assert corpus.train.tokens.dtype == np.uint16
    assert corpus.train.tokens.tolist() == stream_of(list(STORIES), tokenizer)
    assert corpus.train.facts.text_bytes == sum(len(text.encode()) for text in STORIES)
    assert (corpus.train.facts.documents, corpus.validation) == (len(STORIES), None)


def test_progress_reaches_the_end(stories: Path, vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    documents = Documents([str(stories)])
    *_, last = tokenize_corpus(documents, tokenizer, key_of(documents, vocabulary), tmp_path / "out")
    assert last.bytes_read == last.bytes_total == stories.stat().st_size
    assert last.documents == len(STORIES)


def test_held_out_documents_stay_where_they_are_when_others_come(
    stories: Path, vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    before = tokenized([stories], vocabulary, tmp_path / "before", split=0.4)
    held_out = [text for text in STORIES if is_held_out(text, 0.4)]
    learned = [text for text in STORIES if not is_held_out(text, 0.4)]
    assert held_out
    assert learned
    assert before.validation is not None
    assert before.validation.tokens.tolist() == stream_of(held_out, tokenizer)
    assert before.validation.facts.text_bytes == sum(len(text.encode()) for text in held_out)
    assert before.train.tokens.tolist() == stream_of(learned, tokenizer)
    (tmp_path / "a.txt").write_text("More.\n", encoding="utf-8")
    after = tokenized([tmp_path / "a.txt", stories], vocabulary, tmp_path / "after", split=0.4)
    assert after.validation is not None
    assert set(before.validation.tokens.tolist()) <= set(after.validation.tokens.tolist())
    assert {text for text in [*STORIES, "More."] if is_held_out(text, 0.4)} >= set(held_out)


def test_windows_come_from_the_stream(stories: Path, vocabulary: Path, tmp_path: Path) -> None:
    train = tokenized([stories], vocabulary, tmp_path / "out").train
    (sequence,) = train.windows(8).sequences(np.array([2]))
    assert [token for example in sequence for token in example.input_ids] == train.tokens[16:24].tolist()


def test_a_second_run_uses_what_the_first_wrote_until_a_source_changes(
    stories: Path, vocabulary: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    documents = Documents([str(stories)])
    assert why_stale(out, key_of(documents, vocabulary)) == "nothing is tokenized yet"
    tokenized([stories], vocabulary, out)
    assert why_stale(out, key_of(documents, vocabulary)) is None
    assert why_stale(out, key_of(documents, vocabulary, split=0.1)) == "another validation split"
    os.utime(stories, ns=(1, 1))
    assert why_stale(out, key_of(documents, vocabulary)) == f"{stories} has changed"


def test_a_file_that_is_only_touched_or_moved_does_not_keep_a_run_from_going_on(
    stories: Path, vocabulary: Path, tmp_path: Path
) -> None:
    """The digest had the files' paths and times of change, so --resume was refused after a touch."""
    before = tokenized([stories], vocabulary, tmp_path / "before").digest
    moved = stories.rename(stories.with_name("moved.jsonl"))
    os.utime(moved, ns=(1, 1))
    assert tokenized([moved], vocabulary, tmp_path / "after").digest == before
    moved.write_bytes(moved.read_bytes().replace(b"hare", b"mare"))
    assert tokenized([moved], vocabulary, tmp_path / "changed").digest != before


def test_another_tokenizer_is_noticed(stories: Path, vocabulary: Path, tmp_path: Path) -> None:
    tokenized([stories], vocabulary, tmp_path / "out")
    small_tokenizer(tmp_path / "smaller", 280)
    assert why_stale(tmp_path / "out", key_of(Documents([str(stories)]), tmp_path / "smaller")) == "another tokenizer"


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interrupted_run_leaves_no_half_file(
    stories: Path, vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_writing, "_BATCH_CHARACTERS", 1)
    documents = Documents([str(stories)])
    run = tokenize_corpus(documents, tokenizer, key_of(documents, vocabulary), tmp_path / "out")
    for _ in range(after):
        next(run)
    run.close()
    assert not after or list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_a_killed_run_leaves_no_half_file_and_is_begun_again(stories: Path, vocabulary: Path, tmp_path: Path) -> None:
    whole = tokenized([stories], vocabulary, tmp_path / "whole").train.tokens.tolist()
    out = tmp_path / "out"
    killed = f"""
import os, signal
from pathlib import Path
from gptcli.training import corpus_writing
from tests.training.corpus import tokenized
corpus_writing._check_unchanged = lambda key: os.kill(os.getpid(), signal.SIGKILL)
tokenized([Path({str(stories)!r})], Path({str(vocabulary)!r}), Path({str(out)!r}))
"""
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", killed], cwd=root).returncode == -signal.SIGKILL
    assert all(path.name.endswith(".partial") for path in out.iterdir())
    with pytest.raises(InputError, match="tokenize again"):
        open_corpus(out)
    assert tokenized([stories], vocabulary, out).train.tokens.tolist() == whole
    assert {path.name for path in out.iterdir()} == {"tokens.bin", SIDECAR, "validation.bin"}


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"key": {"version": 0}}'])
def test_a_damaged_description_is_noticed(stories: Path, vocabulary: Path, tmp_path: Path, damage: bytes) -> None:
    tokenized([stories], vocabulary, tmp_path / "out")
    (tmp_path / "out" / SIDECAR).write_bytes(damage)
    with pytest.raises(InputError, match="tokenize again"):
        open_corpus(tmp_path / "out")


def test_a_stream_cut_short_is_noticed(stories: Path, vocabulary: Path, tmp_path: Path) -> None:
    tokenized([stories], vocabulary, tmp_path / "out")
    os.truncate(tmp_path / "out" / "tokens.bin", 10)
    with pytest.raises(InputError, match="holds 10 bytes, expected"):
        open_corpus(tmp_path / "out")
    assert "holds 10 bytes" in str(why_stale(tmp_path / "out", key_of(Documents([str(stories)]), vocabulary)))


def test_a_source_that_changes_meanwhile_is_refused(
    stories: Path, vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    documents = Documents([str(stories)])
    run = tokenize_corpus(documents, tokenizer, key_of(documents, vocabulary), tmp_path / "out")
    next(run)
    os.utime(stories, ns=(1, 1))
    with pytest.raises(InputError, match="has changed while it was read"):
        list(run)
    assert list((tmp_path / "out").iterdir()) == []


def test_text_is_parted_by_lines_of_end_of_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One.\nTwo.\n<|endoftext|>\n\n<|endoftext|>\nThree.\n", encoding="utf-8")
    documents = Documents([str(path)])
    assert [document.text for document in documents] == ["One.\nTwo.", "Three."]


def test_a_long_text_comes_in_parts_and_stays_one_document(
    vocabulary: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_documents, "PART_CHARACTERS", 50)
    path = tmp_path / "a.txt"
    text = "\n\n \n".join(STORIES)
    path.write_text(text, encoding="utf-8")
    parts = list(Documents([str(path)]))
    assert len(parts) > 5
    assert [part.ends for part in parts] == [False] * (len(parts) - 1) + [True]
    assert "".join(part.text for part in parts) == text
    train = tokenized([path], vocabulary, tmp_path / "out").train
    assert train.tokens.tolist() == stream_of([text], tokenizer)
    split = tokenized([path], vocabulary, tmp_path / "split", split=0.5)
    assert split.validation is not None
    for stream in (split.train, split.validation):
        assert stream.tokens[-1] == 0
        assert int((stream.tokens == 0).sum()) == stream.facts.documents + 1


def test_compressed_files_and_directories_hold_the_same_documents(stories: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    (many / "deep").mkdir(parents=True)
    (many / "a.jsonl.gz").write_bytes(gzip.compress(stories.read_bytes()))
    (many / "deep" / "b.jsonl.xz").write_bytes(lzma.compress(stories.read_bytes()))
    (many / "e.json.zst").write_bytes(zstandard.compress(json.dumps([{"text": text} for text in STORIES]).encode()))
    (many / "picture.png").write_bytes(b"\x89PNG")
    assert texts_of(many) == [*STORIES] * 3


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "lines.json", "a.parquet", "a.txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_format_and_encoding_holds_the_same_documents(name: str, encoding: str, tmp_path: Path) -> None:
    rows = [{"id": number, "text": text} for number, text in enumerate(STORIES)]
    content = {
        "a.csv": "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows),
        "a.tsv": "id\ttext\n" + "".join(f'{row["id"]}\t"{row["text"]}"\n' for row in rows),
        "a.json": json.dumps(rows, ensure_ascii=False),
        "a.txt": "\n<|endoftext|>\n".join(STORIES),
    }
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if name == "a.parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content.get(name, lines).encode(encoding))
    assert texts_of(tmp_path / name) == list(STORIES)


def test_what_is_guessed_about_a_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Né à Paris.".encode("cp1252"))
    documents = Documents([str(tmp_path)])
    for _ in range(2):
        assert [document.text for document in documents] == ["Né à Paris."]
        assert len(documents.notices) == 1
        assert "is read as Windows-1252" in documents.notices[0]


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=r"pipe cannot be read twice, .*: save what it holds to a file"):
        Documents([str(tmp_path / "pipe")])


def test_text_larger_than_memory_is_read_in_constant_memory(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"A line of words that nothing parts, again and again.\n" * 200_000)
    tracemalloc.start()
    try:
        assert sum(len(document.text) for document in Documents([str(tmp_path / "a.txt")])) > 10_000_000
        assert tracemalloc.get_traced_memory()[1] < 7_000_000
    finally:
        tracemalloc.stop()


def test_a_sample_takes_of_every_file(tmp_path: Path) -> None:
    for name, count in (("a", 100), ("b", 1), ("c", 100)):
        line = json.dumps({"text": name * 10}) + "\n"
        (tmp_path / f"{name}.jsonl").write_text(line * count, encoding="utf-8")
    sample = list(Documents([str(tmp_path)]).sample(210))
    assert [sample.count(name * 10) for name in "abc"] == [10, 1, 10]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", b'{"body": "x"}\n', "a.jsonl:1: no column text: choose one of body"),
        ("a.jsonl.xz", b"no xz", "a.jsonl.xz is damaged, "),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x"}', mtime=0)[:-5], "a.jsonl.gz is damaged, "),
        ("a.txt", "fïne\nfïne\n".encode() + b"b\xffd\n", "a.txt:1 is not UTF-8: byte 0xff at line 3, column 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        texts_of(tmp_path / name)


def test_rows_without_text_are_counted_and_the_first_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n{"text": null}\nnot json\n{"text": " "}\n', encoding="utf-8")
    documents = Documents([str(path)])
    assert [document.text for document in documents] == ["x"]
    assert (documents.empty, documents.unreadable) == (1, 2)
    assert str(documents.first_complaint).endswith("a.jsonl:2 has no value in column text")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Documents([str(tmp_path / "none.txt")])
    with pytest.raises(InputError, match="the directory has no file that ends in"):
        Documents([str(tmp_path)])
