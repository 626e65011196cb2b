"""What goes into the engine and what comes out of it, and the branch: one sample on its way."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gptcli.engine.finish import FinishReason
from gptcli.engine.noise import stream_key
from gptcli.engine.sampling import Sampler
from gptcli.engine.text import GrowingText

TokenBytes = Callable[[int], bytes]
"""The bytes that a token stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A prompt and how to continue it."""

    key: int
    """The caller's number for it, which no other request of the engine has at the same time."""
    row: int
    """Its place among the caller's prompts; part of the random stream."""
    prompt: tuple[int, ...]
    """At least one token, at most the context."""
    sampler: Sampler
    samples: int
    seed: int
    token_limit: int
    """Tokens to add at most, at least 1."""
    slide: bool = False
    """Go on past the context window, reading its last half again each time that it is full."""
    stream: bool = False
    """Yield Piece events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """New text of a sample that is being streamed."""

    key: int
    sample: int
    text: str
    scores: tuple["TokenScore", ...] = ()
    """Those of the tokens since the last piece, if the options ask for them; Finished has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScore:
    """A chosen token's log probability and the likeliest (token, log probability) pairs, before any sampling option."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished sample; an end-of-text token counts as a token but has no text."""

    key: int
    sample: int
    tokens: tuple[int, ...]
    text: str
    finish_reason: FinishReason
    logprob: float
    scores: tuple[TokenScore, ...]
    """Empty unless the options ask for them."""


@dataclass(slots=True, kw_only=True)
class Branch:
    """One sample on its way: what it has written and where its keys and values lie."""

    request: Request
    sample: int
    text: GrowingText
    tokens: list[int] = field(default_factory=list)
    """The prompt and what was added to it."""
    slot: int = -1
    cached: int = 0
    """Tokens of the current window that the backend has read."""
    logprob: float = 0.0
    scores: list[TokenScore] = field(default_factory=list)
    told_scores: int = 0
    """How many of them have gone out with pieces."""
    finish_reason: FinishReason | None = None

    @property
    def new_tokens(self) -> int:
        """Return how many tokens were added."""
        return len(self.tokens) - len(self.request.prompt)

    @property
    def written(self) -> bytearray:
        """Return the bytes of the continuation."""
        return self.text.written

    @property
    def noise_key(self) -> int:
        """Return the key of the next choice's random numbers."""
        return stream_key(self.request.seed, self.request.row, self.sample, self.new_tokens)

    def piece(self, text: str) -> Piece:
        """Return new text as an event, with the scores that have not gone out."""
        scores = tuple(self.scores[self.told_scores :])
        self.told_scores = len(self.scores)
        return Piece(key=self.request.key, sample=self.sample, text=text, scores=scores)

    def become(self, other: "Branch") -> None:
        """Take over another branch's history, but keep the slot."""
        self.tokens = other.tokens.copy()
        self.text = other.text.copy()
        self.scores = other.scores.copy()
        self.cached, self.logprob = other.cached, other.logprob

    def finished(self) -> Finished:
        """Return the result of a branch that has a finish_reason."""
        assert self.finish_reason is not None
        return Finished(
            key=self.request.key,
            sample=self.sample,
            tokens=tuple(self.tokens[len(self.request.prompt) :]),
            text=self.text.text,
            finish_reason=self.finish_reason,
            logprob=self.logprob,
            scores=tuple(self.scores),
        )


def new_branch(request: Request, sample: int) -> Branch:
    """Return a sample of a request before anything is read."""
    stops = [stop.encode(errors="surrogateescape") for stop in request.sampler.options.stop]  # a shell passes any byte
    return Branch(request=request, sample=sample, text=GrowingText(stops), tokens=list(request.prompt))
