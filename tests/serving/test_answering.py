"""Events that go out together: a text's new pieces are one, and ends come last; of very many some at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import Mock

from gptcli.engine.request import Finished, Piece, TokenScore
from gptcli.serving.answering import EVENTS_AT_ONCE, merged, streamed


def test_pieces_of_a_sample_are_joined_with_their_scores_and_stand_before_all_ends() -> None:
    scores = [TokenScore(token=token, logprob=-1.0, top=()) for token in range(3)]
    end = Finished(key=0, sample=1, tokens=(1,), text="yz", finish_reason="stop", logprob=-1.0, scores=())
    events = [
        Piece(key=0, sample=0, text="a", scores=(scores[0],)),
        Piece(key=0, sample=1, text="y"),
        end,
        Piece(key=1, sample=0, text="other"),
        Piece(key=0, sample=0, text="b", scores=(scores[1], scores[2])),
    ]
    assert merged(events) == [
        Piece(key=0, sample=0, text="ab", scores=tuple(scores)),
        Piece(key=0, sample=1, text="y"),
        Piece(key=1, sample=0, text="other"),
        end,
    ]


def test_what_has_gathered_for_a_slow_reader_is_written_in_parts() -> None:
    """The event loop is free between them."""
    gathered = iter([[Piece(key=key, sample=0, text="x") for key in range(2 * EVENTS_AT_ONCE + 1)], []])

    async def events() -> list[Piece]:
        return next(gathered)

    @contextmanager
    def submit(_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(first_key=0, events=events)

    shape = SimpleNamespace(
        lists_tokens=False,
        begin=lambda: [b"begin "],
        piece=lambda _, piece: piece.text.encode(),
        end=lambda _: [b"end "],
    )

    async def parts() -> list[bytes]:
        stream = streamed(SimpleNamespace(submit=submit), [], shape, Mock(new_tokens=0))
        return [part async for part in stream]

    whole = b"x" * EVENTS_AT_ONCE
    assert asyncio.run(parts()) == [b"begin " + whole, whole, b"x", b"end data: [DONE]\n\n"]
