"""Spans that begin alike, as a tree whose nodes are read and scored once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.scorer import Span, SpanScores

LEAST_SAVED = 32
"""Tokens that must be saved before a beginning is read in a pass of its own, which costs as much as about these."""


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """Tokens that some spans have in common behind the same beginning, and what the model says about them."""

    tokens: Tokens
    depth: int
    """The position of the first token."""
    start: int
    """Where in tokens the scored ones begin."""
    children: list["Node"] = field(default_factory=list)
    logprobs: Floats = field(init=False)
    greedy: NDArray[np.bool_] = field(init=False)
    size: int = field(init=False)
    """Tokens to read of it and of all below it."""

    def __post_init__(self) -> None:
        self.logprobs = np.empty(len(self.tokens), np.float32)
        self.greedy = np.empty(len(self.tokens), np.bool_)
        self.size = self.read + sum(child.size for child in self.children)

    @property
    def read(self) -> int:
        """Return how many of its tokens are read: nobody asks what comes behind a span's last one."""
        return len(self.tokens) - (not self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What is to be read for spans behind a prefix that they share."""

    prefix: Node
    roots: list[list[Node]]
    """What follows the prefix, item by item."""
    paths: list[list[list[Node]]]
    """The nodes of each span of each item, from the prefix down."""


def grow(items: Sequence[Sequence[Span]], prefix: Tokens, room: int) -> Tree:
    """Find what each item's spans have in common; room is how many tokens a pass reads."""
    roots: list[list[Node]] = []
    paths: list[list[list[Node]]] = []
    for spans in items:
        paths.append([[] for _ in spans])
        scored = [number for number, span in enumerate(spans) if span.start < len(span.tokens)]
        roots.append(_Grower(spans, paths[-1], room).branches(scored, len(prefix)))
    start = min((span.start for spans in items for span in spans), default=len(prefix))
    top = Node(tokens=prefix, depth=0, start=start, children=[node for nodes in roots for node in nodes])
    for path in (path for found in paths for path in found):
        path.insert(0, top)
    return Tree(prefix=top, roots=roots, paths=paths)


def scores(span: Span, path: Sequence[Node]) -> SpanScores:
    """Put a span's scores together from its nodes, which begin at position 0."""
    return SpanScores(
        logprobs=np.concatenate([node.logprobs for node in path])[span.start :],
        greedy=np.concatenate([node.greedy for node in path])[span.start :],
    )


class _Grower:
    """Cuts the spans of one item into nodes and notes each span's path."""

    def __init__(self, spans: Sequence[Span], paths: list[list[Node]], room: int) -> None:
        self._spans = spans
        self._paths = paths
        self._room = room

    def branches(self, numbers: Sequence[int], depth: int) -> list[Node]:
        """Return the nodes behind a common beginning of these spans; some may end there."""
        groups: dict[int, list[int]] = {}
        for number in numbers:
            tokens = self._spans[number].tokens
            if len(tokens) > depth:
                groups.setdefault(int(tokens[depth]), []).append(number)
        return [self._node(part, depth, end) for group in groups.values() for part, end in self._shared(group, depth)]

    def _shared(self, group: list[int], depth: int) -> list[tuple[list[int], int]]:
        """Return spans with the end of what they share; each by itself where sharing costs more than it saves."""
        end = self._common(group, depth)
        saved = (len(group) - 1) * (end - depth)
        if saved < LEAST_SAVED and sum(len(self._spans[number].tokens) - depth for number in group) > self._room:
            return [([number], len(self._spans[number].tokens)) for number in group]
        return [(group, end)]

    def _common(self, group: list[int], depth: int) -> int:
        """Return up to where all these spans are alike."""
        first, *others = (self._spans[number].tokens for number in group)
        end = len(first)
        for tokens in others:
            end = min(end, len(tokens))
            differences = np.flatnonzero(first[depth:end] != tokens[depth:end])
            if len(differences):
                end = depth + int(differences[0])
        return end

    def _node(self, numbers: list[int], depth: int, end: int) -> Node:
        """Return the node of the tokens that spans share, and all below it."""
        tokens = self._spans[numbers[0]].tokens[depth:end]
        start = min(self._spans[number].start for number in numbers)
        node = Node(
            tokens=tokens,
            depth=depth,
            start=min(max(start - depth, 0), len(tokens)),
            children=self.branches(numbers, end),
        )
        for number in numbers:
            self._paths[number].insert(0, node)  # those below are there already
        return node
