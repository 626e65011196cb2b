"""In which passes an item's tree is read: short branches side by side, long ones in chunks behind the cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gptcli.engine.backend import Floats, Ids, Tokens
from gptcli.engine.onnx.tree import Node

UNSEEN = np.float32(-1e30)
"""Added to a score of attention, it leaves no weight behind, and no NaN as -inf might."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of a node's tokens in a pass."""

    node: Node
    begin: int
    end: int
    row: int
    """The pass's row of the first token."""
    above: tuple["Piece", ...] = ()
    """The pieces of the same pass that stand before it in its spans."""

    @property
    def rows(self) -> slice:
        """Return the rows of the pass that it takes."""
        return slice(self.row, self.row + self.end - self.begin)

    @property
    def tokens(self) -> Tokens:
        """Return its tokens."""
        return self.node.tokens[self.begin : self.end]

    @property
    def positions(self) -> Ids:
        """Return the position of each token in its spans."""
        return np.arange(self.node.depth + self.begin, self.node.depth + self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Pieces that are read together, all behind the same beginning in the cache."""

    past: int
    """Tokens in the cache that every piece sees."""
    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> int:
        """Return how many tokens are read."""
        return sum(piece.end - piece.begin for piece in self.pieces)

    def bias(self, width: int) -> Floats:
        """Return what hides the pieces from each other, (1, 1, width, past + width); the kernel itself is causal."""
        if len(self.pieces) == 1:
            return np.zeros((1, 1, width, self.past + width), np.float32)
        bias = np.full((1, 1, width, self.past + width), UNSEEN, np.float32)
        bias[..., : self.past] = 0
        for piece in self.pieces:
            for seen in (*piece.above, piece):
                bias[0, 0, piece.rows, self.past + seen.rows.start : self.past + seen.rows.stop] = 0
        return bias


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuestion:
    """Tokens that rows of a pass predict, one a row, and where the answers go."""

    rows: Ids
    tokens: Tokens
    logprobs: Floats
    greedy: NDArray[np.bool_]


def tree_passes(nodes: Sequence[Node], past: int, room: int) -> Iterator[Pass]:
    """Yield what reads nodes behind a beginning in the cache, which each pass may overwrite from `past` on.

    A pass has at most `room` tokens.
    """
    together: list[Node] = []
    for node in nodes:
        if node.size > room:
            yield from _long(node, past, room)
            continue
        if sum(each.size for each in together) + node.size > room:
            yield Pass(past=past, pieces=_pieces(together))
            together = []
        if node.size:
            together.append(node)
    if together:
        yield Pass(past=past, pieces=_pieces(together))


def questions(pieces: Sequence[Piece]) -> list[TokenQuestion]:
    """Return what pieces are asked: the next token along each, and the first one of each branch behind its end."""
    asked = []
    for piece in pieces:
        node = piece.node
        begin, end = max(piece.begin + 1, node.start), min(piece.end + 1, len(node.tokens))
        if begin < end:
            rows = np.arange(begin, end) - 1 - piece.begin + piece.row
            asked.append(_question(rows, node, slice(begin, end)))
        if piece.end == len(node.tokens):
            last = np.array([piece.rows.stop - 1])
            asked += [_question(last, child, slice(0, 1)) for child in node.children if child.start == 0]
    return asked


def _question(rows: Ids, node: Node, part: slice) -> TokenQuestion:
    """Ask for a part of a node's tokens."""
    return TokenQuestion(rows=rows, tokens=node.tokens[part], logprobs=node.logprobs[part], greedy=node.greedy[part])


def _long(node: Node, past: int, room: int) -> Iterator[Pass]:
    """Yield what reads a node of more tokens than a pass: its own in chunks, the last with all below if they fit."""
    begin = 0
    while begin < node.read and node.size - begin > room:
        end = min(begin + room, node.read)
        yield Pass(past=past + begin, pieces=(Piece(node=node, begin=begin, end=end, row=0),))
        begin = end
    if begin < node.read:
        yield Pass(past=past + begin, pieces=_pieces([node], begin))
    else:
        yield from tree_passes(node.children, past + begin, room)


def _pieces(nodes: Sequence[Node], begin: int = 0) -> tuple[Piece, ...]:
    """Return nodes and all below them, parents first; of the nodes themselves what stands from `begin` on."""
    pieces: list[Piece] = []
    row = 0
    waiting: list[tuple[Node, int, tuple[Piece, ...]]] = [(node, begin, ()) for node in reversed(nodes)]
    while waiting:
        node, first, above = waiting.pop()
        if first == node.read:
            continue  # a span's last token alone, which is not read
        piece = Piece(node=node, begin=first, end=node.read, row=row, above=above)
        pieces.append(piece)
        row = piece.rows.stop
        waiting += [(child, 0, (*above, piece)) for child in reversed(node.children)]
    return tuple(pieces)
