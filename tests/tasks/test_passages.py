"""From rows to the texts that are scored: whole files, their lines, their pages, and rows of tables."""

import numpy as np
import pytest

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.checkpoint.tokenizer_files import build_tokenizer
from gptcli.data.records import Record
from gptcli.evaluation.protocols import OURS, PROTOCOLS
from gptcli.tasks.evaluators.passages import Passage, Passages, dataset_rows
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.evaluators.perplexity_reading import Reach, Reading
from gptcli.tasks.events import RowDone, RowFailed


def rows_of(*texts):
    """Return rows of a table; None is one that has no text."""
    return [
        (index, Record(source="in.csv", line=index + 2, columns={"text": text})) for index, text in enumerate(texts)
    ]


def passages(convention, *texts, plain=False):
    return list(Passages(convention, "text", plain=plain).of(rows_of(*texts)))


def kinds(found):
    """Return what came, a letter each: a passage, a row done, a row failed."""
    letters = {Passage: "p", RowDone: "d", RowFailed: "f"}
    return "".join(letters[type(item)] for item in found)


def test_each_row_is_a_passage():
    found = passages(OURS, "one two", None, "three\n")
    assert kinds(found) == "pdfpd"
    first, _, failed, last, _ = found
    assert (first.number, first.text, first.words, first.utf8_bytes) == (0, "one two", 2, 7)
    assert (failed.index, failed.message) == (1, "has no value in column text")
    assert (last.number, last.row, last.origin) == (2, 2, "in.csv:4")


def test_a_file_is_parted_into_the_rows_of_datasets():
    assert list(dataset_rows(" \n = A = \n\nend")) == ["", " = A = \n", "", "end"]
    assert list(dataset_rows("one\n \ntwo\n")) == ["one\n", "", "two\n"]
    assert list(dataset_rows("one\n ")) == ["one\n", ""]
    assert list(dataset_rows("")) == []


def test_rows_of_a_table_are_joined_where_files_are_read_whole():
    found = passages(PROTOCOLS["hf-docs"], "", " = A = \n", None, "text \n")
    assert kinds(found) == "fpddd"
    assert found[1].text == "\n\n = A = \n\n\ntext \n"
    (llama, *_) = passages(PROTOCOLS["llama.cpp"], "", "one\n", "two")
    assert llama.text == "\none\ntwo", "a file's last line end is not read there"
    assert kinds(passages(PROTOCOLS["hf-docs"], None)) == "f"


def test_a_file_is_parted_into_pages_and_a_row_is_a_page():
    text = " \n = A = \n x @-@ y \n = B = \n z \n"
    of_file = passages(PROTOCOLS["lm-eval"], text, text, plain=True)
    assert kinds(of_file) == "ppdppd"
    assert [(item.number, item.row) for item in of_file if isinstance(item, Passage)] == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
    ]
    assert of_file[0].text == " = A =\nx-y ", "detokenized, but counted as it was"
    assert (of_file[0].words, of_file[0].utf8_bytes) == (8, 17)
    assert kinds(passages(PROTOCOLS["lm-eval"], text)) == "pd"


def test_wikitext_2_has_the_documentations_287644_tokens(shared):
    vocabulary = shared / "data" / "gpt2-tokenizer"
    if not (vocabulary / "vocab.json").is_file():
        pytest.skip(f"the published GPT-2 vocabulary is not at {vocabulary}")
    tokenizer = Tokenizer(build_tokenizer(vocabulary, model_vocab_size=50257))
    text = (shared / "data" / "wikitext-2" / "wiki.test.raw").read_text(encoding="utf-8")
    (passage, _) = passages(PROTOCOLS["hf-docs"], text, plain=True)
    reading = Reading(
        PerplexityOptions(protocol="hf-docs"), tokenizer, Reach(context=1024, stride=1024, beginning=None)
    )
    *items, read = reading.items([passage])
    tokens = np.concatenate([item.spans[0].tokens for item in items if hasattr(item, "spans")])
    assert len(tokens) == 287_644
    assert read.passages == (passage,)
