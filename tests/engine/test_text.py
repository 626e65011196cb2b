"""Stop texts are exact across token edges, and a stream never shows what it would have to take back."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gptcli.engine.text import GrowingText

ALPHABET = "ab é日😀"
TEXT = st.text(ALPHABET, max_size=30)


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in pairwise(edges)]


@given(
    text=TEXT,
    stops=st.lists(st.text(ALPHABET, min_size=1, max_size=4), max_size=3),
    cuts=st.lists(st.integers(0)),
)
def test_the_text_ends_before_the_first_stop_however_it_is_cut_into_tokens(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    growing = GrowingText([stop.encode() for stop in stops])
    streamed, stopped = "", False
    for piece in _pieces(text.encode(), cuts):
        stopped = growing.push(piece)
        if stopped:
            break
        streamed += growing.take()
        assert text.startswith(streamed.replace("\ufffd", "")), "what was shown is never taken back"
    streamed += growing.finish()
    places = [text.find(stop) for stop in stops if stop in text]
    assert stopped == bool(places)
    if not places:
        assert growing.text == streamed == text
    else:  # tokens after the one that completes a stop are never drawn, so an overlapping stop may come first
        assert growing.text == streamed
        assert text.startswith(growing.text)
        assert not any(stop in growing.text for stop in stops)


def test_half_a_character_is_held_back_until_it_is_whole() -> None:
    growing = GrowingText([])
    growing.push("é".encode()[:1])
    assert growing.take() == ""
    growing.push("é".encode()[1:])
    assert growing.take() == "é"


def test_bytes_that_never_become_a_character_are_shown_as_such_at_the_end() -> None:
    growing = GrowingText([])
    growing.push(b"a\xf0\x9f")
    assert growing.take() + growing.finish() == "a\ufffd" == growing.text


def test_the_beginning_of_a_stop_text_is_held_back_and_shown_when_it_comes_to_nothing() -> None:
    growing = GrowingText([b"\n\nUser:"])
    growing.push(b"Hi\n\nUs")
    assert growing.take() == "Hi"
    growing.push(b"ually")
    assert growing.take() == "\n\nUsually"


def test_would_stop_agrees_with_push() -> None:
    growing = GrowingText([b"END"])
    growing.push(b"the EN")
    assert growing.would_stop(b"D!")
    assert not growing.would_stop(b"E")
    assert growing.push(b"D!")
    assert growing.text == "the "
