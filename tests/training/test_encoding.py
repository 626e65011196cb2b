"""What a row's tokens are, which of them are predicted, and what becomes of a row that is too long."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.data.roles import Roles, Task
from gptcli.errors import InputError
from gptcli.training import encoding
from gptcli.training.batches import IGNORED, Example
from gptcli.training.corpus_pieces import pieces
from gptcli.training.cut import Cut
from gptcli.training.encoding import Encoder, RowSource
from gptcli.training.options import Overflow
from gptcli.training.rows import Row, RowSet
from tests.laws.test_tokenization import prefixed

EOS = 0
Encode = Callable[..., Encoder]


def rows_for(task: Task) -> RowSet:
    """Return the rows of a task, of which an encoder needs no more than the task and their file."""
    return RowSet(
        roles=Roles(task=task, reason=""),
        labels=None,
        template=None,
        train=(),
        validation=(),
        sources=("data.csv",),
        digest="",
        rows_read=0,
        unreadable=0,
        empty=0,
        duplicates=0,
        leaked=0,
    )


def row(text: str, completion: str | None = None, label: int | None = None, *, ends: bool = True) -> Row:
    """Return a row of data.csv:2."""
    return Row(text, completion, label, 0, 2, ends)


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Tokenizer:
    """Return a tokenizer to which each character is a token."""
    return load_tokenizer(tiny, read_config(tiny))


@pytest.fixture(scope="module")
def encoder(tokenizer: Tokenizer) -> Encode:
    """Return a function that makes encoders for sequences of 8 tokens."""

    def make(task: Task, overflow: Overflow = "truncate", max_length: int = 8) -> Encoder:
        return Encoder(rows_for(task), tokenizer, eos_id=EOS, max_length=max_length, overflow=overflow)

    return make


def told(example: Example) -> tuple[list[int], list[int] | None]:
    """Return an example's inputs and targets."""
    return example.input_ids.tolist(), None if example.targets is None else example.targets.tolist()


def only(encoder: Encoder, one: Row) -> Example:
    """Return the one example of a row."""
    ((example,),) = encoder.examples([one])
    return example


def test_a_document_is_read_behind_an_end_mark_and_learned_to_its_own(encoder: Encode, tokenizer: Tokenizer) -> None:
    a, b, c = tokenizer.encode("abc")
    assert told(only(encoder("lm"), row("abc"))) == ([EOS, a, b, c], [a, b, c, EOS])


def test_a_document_that_goes_on_in_the_next_row_is_not_learned_to_end(encoder: Encode, tokenizer: Tokenizer) -> None:
    a, b = tokenizer.encode("ab")
    assert told(only(encoder("lm"), row("ab", ends=False))) == ([EOS, a], [a, b])


def test_an_end_mark_inside_of_a_text_is_learned_like_any_token(encoder: Encode, tokenizer: Tokenizer) -> None:
    a, b = tokenizer.encode("ab")
    example = only(encoder("lm"), row("a<|endoftext|>b<|endoftext|>"))
    assert told(example) == ([EOS, a, EOS, b, EOS], [a, EOS, b, EOS, EOS])
    assert example.count == 5


def test_only_the_completion_and_its_end_are_learned(encoder: Encode, tokenizer: Tokenizer) -> None:
    a, b, x, y = tokenizer.encode("abxy")
    example = only(encoder("complete"), row("ab", "xy"))
    assert told(example) == ([a, b, x, y], [IGNORED, x, y, EOS])
    assert example.count == 3


def test_a_prompt_without_text_is_an_end_mark(encoder: Encode, tokenizer: Tokenizer) -> None:
    x, y = tokenizer.encode("xy")
    assert told(only(encoder("complete"), row("", "xy"))) == ([EOS, x, y], [x, y, EOS])


def test_a_label_is_one_prediction_of_a_text_without_end_marks(encoder: Encode, tokenizer: Tokenizer) -> None:
    example = only(encoder("classify"), row("ab", label=3))
    assert told(example) == (tokenizer.encode("ab"), None)
    assert (example.label, example.count) == (3, 1)


def test_a_document_that_is_cut_loses_its_end_and_one_that_is_split_nothing(
    encoder: Encode, tokenizer: Tokenizer
) -> None:
    long = row("abcdefghijk")  # 12 tokens are read
    stream = [EOS, *tokenizer.encode(long.text), EOS]
    assert told(only(encoder("lm"), long)) == (stream[:8], stream[1:9])
    ((first, second),) = encoder("lm", "split").examples([long])
    assert told(first) == (stream[:8], stream[1:9])
    assert told(second) == (stream[8:12], stream[9:13])
    assert encoder("lm", "drop").examples([long]) == [()]


@pytest.mark.parametrize(("task", "text"), [("lm", "abcdefg"), ("classify", "abcdefgh"), ("complete", "abcdefg")])
def test_a_row_that_just_fits_is_whole(encoder: Encode, task: Task, text: str) -> None:
    one = row(text, "x" if task == "complete" else None, label=1)
    for overflow in ("truncate", "drop", "error"):
        assert len(only(encoder(task, overflow), one).input_ids) == 8
        assert encoder(task, overflow).cut([one]) == Cut()


def test_a_text_to_label_loses_its_end(encoder: Encode, tokenizer: Tokenizer) -> None:
    assert told(only(encoder("classify"), row("abcdefghijk", label=0)))[0] == tokenizer.encode("abcdefgh")


def test_a_prompt_that_is_cut_loses_its_beginning(encoder: Encode, tokenizer: Tokenizer) -> None:
    inputs, targets = told(only(encoder("complete"), row("abcdefghijk", "xy")))
    assert inputs == tokenizer.encode("fghijkxy")
    assert targets == [IGNORED] * 5 + [*tokenizer.encode("xy"), EOS]


def test_a_completion_longer_than_a_sequence_keeps_the_last_token_of_its_prompt(
    encoder: Encode, tokenizer: Tokenizer
) -> None:
    inputs, targets = told(only(encoder("complete"), row("abc", "stuvwxyz0")))
    assert inputs == tokenizer.encode("cstuvwxy")
    assert targets == tokenizer.encode("stuvwxyz")


@pytest.mark.parametrize(
    ("texts", "longest"), [(["abc", "a", ""], 4), (["abcdefg", "a"], 8), (["a" * 11, "a" * 10], 8), ([], 1)]
)
def test_the_longest_example_is_found(encoder: Encode, texts: list[str], longest: int) -> None:
    for overflow in ("truncate", "drop", "split", "error"):
        assert encoder("lm", overflow).longest([row(text) for text in texts]) == longest


def test_no_row_behind_one_that_fills_a_sequence_is_tokenized(encoder: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    long = encoder("lm")
    found = long.lengths([row("a" * 11)])
    monkeypatch.setattr(long, "lengths", lambda rows: found if rows[0].text else None)
    assert long.longest([row("a" * 11), row("")]) == 8


@pytest.mark.parametrize(
    ("task", "overflow", "cut"),
    [
        ("lm", "truncate", (2, 4 + 14)),
        ("lm", "drop", (2, 12 + 22)),
        ("lm", "split", (2, 0)),
        ("complete", "truncate", (2, 4 + 14)),
        ("complete", "drop", (2, 12 + 22)),
        ("classify", "truncate", (2, 3 + 13)),
        ("classify", "drop", (2, 11 + 21)),
    ],
)
def test_rows_that_are_cut_are_counted(encoder: Encode, task: Task, overflow: Overflow, cut: tuple[int, int]) -> None:
    completion = "y" if task == "complete" else None
    rows = [row("a" * 11, completion, 0), row("b", completion, 0), row("c" * 21, completion, 0)]
    assert encoder(task, overflow).cut(rows) == Cut(rows=cut[0], tokens=cut[1])


def test_of_many_long_rows_some_stand_for_all_in_the_count(encoder: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them were tokenized again at the end of a run: minutes for 300 MB."""
    monkeypatch.setattr(encoding, "_MOST_COUNTED", 10)
    counted: list[int] = []
    lengths = Encoder.lengths

    def count(self: Encoder, rows: Sequence[Row]) -> object:
        counted.append(len(rows))
        return lengths(self, rows)

    monkeypatch.setattr(Encoder, "lengths", count)
    assert encoder("lm").cut([row("a" * 11)] * 95) == Cut(rows=95, tokens=95 * 4, estimated=True)
    assert sum(counted) == 10


@pytest.mark.parametrize("task", ["lm", "classify", "complete"])
def test_of_huge_long_rows_the_beginnings_stand_for_all_in_the_count(
    encoder: Encode, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    """5,000 rows of megabytes were tokenized again at the end of a run."""
    monkeypatch.setattr(encoding, "_MOST_CHARACTERS", 2000)
    counted: list[int] = []
    lengths = Encoder.lengths

    def count(self: Encoder, rows: Sequence[Row]) -> object:
        counted.extend(one.characters for one in rows)
        return lengths(self, rows)

    monkeypatch.setattr(Encoder, "lengths", count)
    half = "y" * 500 if task == "complete" else None
    rows = [row("a" * (1000 - len(half or "")), half, 0), row("b" * 9000, "y" if half else None, 0)]
    found = encoder(task).cut(rows)
    assert (found.rows, found.estimated) == (2, True)
    assert found.tokens == pytest.approx(10_000 - 2 * 8, rel=0.01)
    assert sum(counted) <= 2001


@pytest.mark.parametrize("task", ["lm", "classify", "complete"])
def test_under_overflow_error_a_long_row_is_named_before_training(encoder: Encode, task: Task) -> None:
    strict = encoder(task, "error")
    completion = "y" if task == "complete" else None
    strict.refuse_unusable([row("abc", completion, 0)])
    with pytest.raises(InputError, match=r"^data\.csv:2: has 1\d tokens, more than --max-length 8: .*truncate"):
        strict.refuse_unusable([row("abc", completion, 0), row("a" * 11, completion, 0)])


def test_where_every_row_would_be_dropped_that_is_an_error_before_training(encoder: Encode) -> None:
    encoder("lm", "drop").refuse_unusable([row("a" * 30), row("b")])
    encoder("lm", "drop").refuse_unusable([])
    with pytest.raises(
        InputError, match=r"^data\.csv: each of 2 rows is longer than --max-length 8, and --overflow drop"
    ):
        encoder("lm", "drop").refuse_unusable([row("a" * 30), row("b" * 9)])


def test_a_text_to_label_that_has_no_token_is_read_as_an_end_mark(encoder: Encode) -> None:
    assert told(only(encoder("classify"), row("\n", label=0))) == ([EOS], None)


def test_a_text_to_label_is_read_with_the_tokens_that_its_tokenizer_puts_around_it(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(prefixed(tmp_path / "tokenizer"), replace(read_config(PACKAGED), vocab_size=300))
    whole = tokenizer.encode("the cat sat")
    encoder = Encoder(rows_for("classify"), tokenizer, eos_id=EOS, max_length=len(whole), overflow="error")
    assert told(only(encoder, row("the cat sat", label=1))) == (whole, None)
    assert told(only(encoder, row("", label=1))) == (tokenizer.encode(""), None)
    assert encoder.cut([row("the cat sat", label=1)]) == Cut()
    shorter = Encoder(rows_for("classify"), tokenizer, eos_id=EOS, max_length=len(whole) - 1, overflow="truncate")
    assert told(only(shorter, row("the cat sat", label=1))) == (whole[:-1], None)
    assert shorter.cut([row("the cat sat", label=1)]) == Cut(rows=1, tokens=1)
    assert len(tokenizer.ends[0]) + len(tokenizer.ends[1]) == 2


def test_characters_of_several_bytes_are_not_taken_for_short(builtin: Path) -> None:
    tokenizer = load_tokenizer(builtin, read_config(builtin))
    encoder = Encoder(rows_for("classify"), tokenizer, eos_id=EOS, max_length=8, overflow="truncate")
    text = "\U0001d524\U0001d52d\U0001d531"  # letters of four bytes
    assert len(text) < 8 < len(tokenizer.encode(text))
    assert encoder.cut([row(text, label=0)]) == Cut(rows=1, tokens=len(tokenizer.encode(text)) - 8)


@pytest.mark.slow
def test_a_row_of_megabytes_is_tokenized_in_parts_to_the_tokens_of_the_whole(builtin: Path) -> None:
    tokenizer = load_tokenizer(builtin, read_config(builtin))
    text = "".join(f"Line {n} of the tale, which is  not\n\nshort.\t{n * n}\n" for n in range(50_000))
    encoder = Encoder(rows_for("lm"), tokenizer, eos_id=EOS, max_length=512, overflow="split")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "encode", None)  # a text of this length must not go there as a whole
        (examples,) = encoder.examples([row(text)])
    joined = np.concatenate([example.input_ids for example in examples])
    assert len(examples) == -(-len(joined) // 512)
    assert tokenizer.decode(joined[1:].tolist()) == text
    head = tokenizer.encode(text[: 1 << 17].rsplit("\n", 1)[0])
    assert joined[1 : len(head) + 1].tolist() == head


@settings(max_examples=50)
@given(text=st.text(alphabet="ab \n\t'é猫.1\u00a0", max_size=120), longest=st.integers(1, 20))
def test_the_tokens_of_parts_are_those_of_the_whole(text: str, longest: int, builtin: Path) -> None:
    tokenizer = load_tokenizer(builtin, read_config(builtin))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "PIECE_CHARACTERS", longest)
        patch.setattr(encoding, "pieces", lambda whole, at_newlines: pieces(whole, longest, at_newlines=at_newlines))
        encoder = Encoder(rows_for("lm"), tokenizer, eos_id=EOS, max_length=1024, overflow="truncate")
        assert only(encoder, row(text)).input_ids.tolist() == [EOS, *tokenizer.encode(text)]


def test_packed_rows_stand_whole_in_sequences_that_are_not_longer(encoder: Encode) -> None:
    rows = [row("a" * (number % 7)) for number in range(50)]
    source = RowSource(rows, encoder("lm"), packing=True, max_length=8)
    sequences = source.sequences(np.arange(50))
    assert max(sum(len(example.input_ids) for example in sequence) for sequence in sequences) <= 8
    assert sum(map(len, sequences)) == 50 == source.items
    assert source.items_per_sequence() == pytest.approx(8 / fmean(len(one.text) + 1 for one in rows))
    alone = RowSource(rows, encoder("lm"), packing=False, max_length=8)
    assert [len(sequence) for sequence in alone.sequences(np.arange(50))] == [1] * 50


def test_rows_that_are_dropped_leave_no_empty_sequence(encoder: Encode) -> None:
    rows = [row("a" * 30), row("b")]
    for packing in (True, False):
        source = RowSource(rows, encoder("lm", "drop"), packing=packing, max_length=8)
        assert [len(sequence) for sequence in source.sequences(np.arange(2))] == [1]
