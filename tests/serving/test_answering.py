"""Events that go out together: a text's new pieces are one, and ends come last."""

from gptcli.engine.request import Finished, Piece, TokenScore
from gptcli.serving.answering import merged


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
