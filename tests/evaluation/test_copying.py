"""What of a text stands word for word in a corpus, against a search that looks at every place."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.evaluation import copying
from gptcli.evaluation.copying import CopyIndex

RHYME = "Mary had a little lamb, its fleece was white as snow"

short_texts = st.lists(st.sampled_from("ab"), max_size=12).map(" ".join)


def filled(text, n):
    words = text.split()
    return words + [""] * (n - len(words)) if words else []


def rows_of(text, n):
    words = filled(text, n)
    return {tuple(words[begin : begin + n]) for begin in range(len(words) - n + 1)}


def searched(texts, text, n):
    """Return share and longest by the definition, one place at a time."""
    known = set().union(*(rows_of(each, n) for each in texts))
    words, plain = filled(text, n), text.split()
    found = [tuple(words[begin : begin + n]) in known for begin in range(len(words) - n + 1)]
    copied = [any(found[max(0, place - n + 1) : place + 1]) for place in range(len(plain))]
    runs = [
        (begin, end) for begin in range(len(found)) for end in range(begin + 1, len(found) + 1) if all(found[begin:end])
    ]
    begin, end = max(runs, key=lambda run: run[1] - run[0], default=(0, 1 - n))
    return (sum(copied) / len(plain) if plain else 0, " ".join(plain[begin : end + n - 1]))


@given(st.lists(short_texts, max_size=4), short_texts, st.integers(1, 4))
def test_share_and_longest_are_as_defined(texts, text, n):
    index = CopyIndex.of(texts, n=n)
    share, longest = searched(texts, text, n)
    assert index.share(text) == pytest.approx(share)
    assert index.longest(text) == longest


@given(st.lists(short_texts, max_size=4), short_texts, st.integers(1, 4), st.integers(1, 5), st.integers(1, 9))
def test_blocks_and_pieces_change_nothing(texts, text, n, block, piece):
    plain = CopyIndex.of(texts, n=n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "BLOCK_WORDS", block)
        patch.setattr(copying, "PIECE_CHARACTERS", piece)
        cut = CopyIndex.of(texts, n=n)
    assert cut.hashes.tolist() == plain.hashes.tolist()
    assert (cut.words, cut.whole) == (plain.words, plain.whole)


def test_eight_words_in_a_row_are_copied_and_seven_are_not():
    index = CopyIndex.of([RHYME])
    assert (index.n, index.words, index.whole) == (8, 11, True)
    assert index.share(RHYME) == 1
    assert index.longest(f"Once {RHYME} again") == RHYME
    seven = "He said: Mary had a little lamb, its fleece and went"
    assert (index.share(seven), index.longest(seven)) == (0, "")
    eight = "He said: Mary had a little lamb, its fleece was gone"
    assert index.share(eight) == pytest.approx(8 / 11)
    assert index.longest(eight) == "Mary had a little lamb, its fleece was"


def test_white_space_does_not_count_and_case_does():
    index = CopyIndex.of([RHYME])
    assert index.share(RHYME.replace(" ", "\n\t\u2003 ")) == 1
    assert index.share(RHYME.lower()) == pytest.approx(10 / 11)
    assert index.share(RHYME.upper()) == 0


def test_a_short_text_is_found_whole_only():
    index = CopyIndex.of([RHYME, "Good night"])
    assert index.share("Good night") == 1
    assert index.longest(" Good night") == "Good night"
    assert index.share("Good") == index.share("Good night, Mary") == index.share("Mary had") == 0


def test_no_words_have_no_share():
    assert CopyIndex.of([RHYME]).share(" \n") == 0
    assert CopyIndex.of([RHYME]).longest("") == ""
    assert CopyIndex.of([]).share(RHYME) == 0
    assert CopyIndex.of(["", "  "]).longest(RHYME) == ""


def test_words_do_not_run_on_from_text_to_text():
    halves = RHYME.split(" its ")
    assert CopyIndex.of([halves[0], "its " + halves[1]]).share(RHYME) == 0


def test_reading_ends_at_the_most_words_and_the_index_says_so():
    def texts():
        yield RHYME
        yield "and everywhere that Mary went the lamb was sure to go"
        raise AssertionError("no more is read")

    index = CopyIndex.of(texts(), n=3, most_words=14)
    assert (index.words, index.whole) == (14, False)
    assert index.share(RHYME) == 1
    assert index.longest("and everywhere that Mary went") == "and everywhere that"
    assert CopyIndex.of([RHYME, " "], most_words=11).whole


def test_a_text_that_is_no_unicode_is_read_too():
    broken = RHYME.replace("lamb", "\ud800")
    assert CopyIndex.of([broken]).share(broken) == 1


def test_a_corpus_is_never_held_as_words():
    text = " ".join(f"word{number}" for number in range(400_000))
    tracemalloc.start()
    index = CopyIndex.of([text])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert index.words == 400_000
    assert peak < 25e6, "the words alone would be 400,000 strings of 60 bytes"
