"""What a task tells its caller: small frozen events, in the order in which they happened."""

from dataclasses import dataclass

from gptcli.data.labels import LabelKind
from gptcli.data.records import Record
from gptcli.engine.finish import FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step that can take seconds has begun; text names it ("loading gpt2")."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReady:
    """The model is loaded; with the options and the seed, these facts settle every byte of the result."""

    directory: str
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands."""

    row: int
    """Its number in the input, from 0."""
    origin: str
    """For people: file:line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What was done to rows that a person may not expect."""

    what: str
    times: int
    first: Place
    """The first row that it was done to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a person should know; details are for --verbose only."""

    text: str
    detail: bool = False
    cut: Cut | None = None
    """What the text tells, if that is counted over the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """The next piece of the one continuation that is being streamed."""

    prompt: str
    """What is continued, the same with every piece."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """A token of a continuation: natural log of its probability, and the likeliest alternatives, best first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One finished sample of one row."""

    index: int
    """The row's number in the input, from 0."""
    sample: int
    """The sample's number in its row, from 0."""
    record: Record
    prompt: str
    """What the model read: with a template, the template filled in."""
    text: str
    """The continuation alone."""
    finish_reason: FinishReason
    prompt_tokens: int
    new_tokens: int
    logprob: float
    """Sum over the continuation of log p(token | what came before), natural log, before any sampling option."""
    seed: int
    tokens: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The label of one row, or its labels, or its number."""

    index: int
    """The row's number in the input, from 0."""
    record: Record
    text: str
    kind: LabelKind
    labels: tuple[str, ...]
    """One of classes that exclude each other, none where no probability was high enough; a regression has none."""
    probabilities: tuple[tuple[str, float], ...]
    """Labels with their probability, likeliest first; all of them unless fewer were asked for."""
    value: float | None
    """The number that a regression gives."""
    tokens: int
    """How many were read."""
    option_mass: float | None = None
    """The share of the next token's probability that the labels' first tokens hold; of labels in words only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure about the rows of a run, told when they are done."""

    name: str
    value: float
    rows: int
    """How many it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFailed:
    """A row that could not be done; the run goes on."""

    index: int
    record: Record
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDone:
    """A row has been measured; what came of it is told when all are done."""

    index: int
    """The row's number in the input, from 0."""


Event = Stage | ModelReady | Notice | TextDelta | Completion | Classified | Measured | RowFailed | RowDone
