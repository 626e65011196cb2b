"""Look into a model as it reads one text: attention, the layers' predictions, what speaks for the next token."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.columns import TEXT_COLUMNS, choose_column, text_of
from gptcli.data.records import Record
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import LoadedInspector, Trace, load_inspector
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError
from gptcli.explaining.attention import head_weights
from gptcli.explaining.distribution import likeliest
from gptcli.explaining.lens import LayerPrediction, lens
from gptcli.tasks.events import ModelReady, Notice, Stage
from gptcli.tasks.explain_config import require_top
from gptcli.tasks.locating import opened

if TYPE_CHECKING:
    from gptcli.explaining.attribution import Attribution, GradientsTaken

T = TypeVar("T")
Look = Literal["attention", "lens", "gradient", "integrated"]
Looking = Generator[Stage | ModelReady | Notice, None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideConfig:
    """What `look_inside` needs to know; raises ConfigError for a number of predictions that is out of range."""

    records: Iterable[Record]
    """Of which there must be one."""
    look: Look | None
    """None is all that the page has but attribution, which needs torch."""
    model: ModelOptions = field(default_factory=ModelOptions)
    column: str | None = None
    """The column that holds the text; None looks for one named text."""
    layer: int | None = None
    head: int | None = None
    """One head's attention; None is all of them, as is layer."""
    top: int = 5
    """Tokens that each layer predicts."""
    target: str | None = None
    """The next token, as text or as an id in digits; None is the likeliest."""

    def __post_init__(self) -> None:
        require_top(self.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What was read, and by whom."""

    model: str
    tokens: tuple[str, ...]
    """As they are shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadInside(Inside):
    """Where one head looks."""

    layer: int
    head: int
    weights: Floats  # (tokens, tokens), rows sum to one


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadsInside(Inside):
    """Where all heads look."""

    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class LensInside(Inside):
    """What each layer predicts after each token."""

    positions: tuple[tuple[LayerPrediction, ...], ...]
    """Of each token, the embeddings' prediction first, the model's own last."""
    texts: dict[int, str]
    """Of the tokens in them, as they are shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionInside(Inside):
    """How much each token speaks for the next one."""

    target: str
    attribution: "Attribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A text, and the model that reads it."""

    text: str
    loaded: LoadedInspector
    ids: Tokens
    tokens: tuple[str, ...]
    """As they are shown to people."""


def look_inside(config: InsideConfig) -> Looking[Inside]:
    """Yield how far it is, and return what was found.

    Raises ModelError, DeviceError, ConfigError, and InputError for more than one text or one that does not fit.
    """
    read = yield from read_inside(config)
    loaded, ids, texts = read.loaded, read.ids, read.tokens
    trace = loaded.inspector.trace(ids)
    if config.look == "lens":
        return lens_inside(read, trace, config.top)
    if config.look == "attention":
        if config.layer is None or config.head is None:
            return HeadsInside(model=loaded.name, tokens=texts, trace=trace)
        found = head_weights(trace, config.layer, config.head)
        return HeadInside(model=loaded.name, tokens=texts, layer=config.layer, head=config.head, weights=found)
    return (yield from attribution_inside(read, config))


def read_inside(config: InsideConfig) -> Looking[Read]:
    """Open the model and return what it is to read; raises as look_inside does."""
    text = _lone_text(config)
    loaded = yield from opened(config.model, load_inspector)
    ids = _fitting(loaded, text)
    yield Stage(text="looking inside")
    return Read(text=text, loaded=loaded, ids=ids, tokens=tuple(map(loaded.tokenizer.token_text, ids.tolist())))


def lens_inside(read: Read, trace: Trace, top: int) -> LensInside:
    """Return what each layer predicts after each token."""
    loaded = read.loaded
    positions = tuple(lens(loaded.inspector, trace, position, top) for position in range(len(read.ids)))
    told = {token for layers in positions for layer in layers for token, _ in layer.top}
    shown = {token: loaded.tokenizer.token_text(token) for token in told}
    return LensInside(model=loaded.name, tokens=read.tokens, positions=positions, texts=shown)


def attribution_inside(read: Read, config: InsideConfig) -> Looking[AttributionInside]:
    """Return how much each token speaks for the next one; raises ConfigError for a target that is no token."""
    loaded, ids = read.loaded, read.ids
    if config.target is None:
        logits = next(loaded.inspector.logits(ids, len(ids) - 1))[0]
        target = int(likeliest(logits, 1)[0])
    else:
        target = _token_of(loaded.tokenizer, loaded.config.vocab_size, config.target)
    # Torch and transformers, seconds of import: only this needs them.
    yield Stage(text="loading torch")
    from gptcli.explaining.attribution import open_attributor

    attributor = open_attributor(Located(name=loaded.name, directory=loaded.directory), config.model)
    yield Stage(text="looking inside")
    if config.look == "gradient":
        found = attributor.gradient_x_input(ids, target)
    else:
        found = yield from _told(attributor.integrated_gradients(ids, target))
    shown = loaded.tokenizer.token_text(target)
    return AttributionInside(model=loaded.name, tokens=read.tokens, target=shown, attribution=found)


def _told(gradients: "Generator[GradientsTaken, None, Attribution]") -> Looking["Attribution"]:
    """Say how far integrated gradients are, and return them."""
    while True:
        try:
            taken = next(gradients)
        except StopIteration as end:
            found: Attribution = end.value
            return found
        yield Stage(
            text=f"integrating gradients: {taken.gradients:,} taken, {taken.completeness_error:.1%} of the sum missed"
        )


def _token_of(tokenizer: Tokenizer, vocab_size: int, wanted: str) -> int:
    """Return a token given as text or as an id; raises ConfigError for what is none."""
    token = tokenizer.single_token(wanted)
    if token is not None:
        return token
    if wanted.isascii() and wanted.isdigit():
        if int(wanted) < vocab_size:
            return int(wanted)
        raise ConfigError(f"--target {wanted}: the ids of this model are below {vocab_size}")
    parts = [tokenizer.token_text(token) for token in tokenizer.encode(wanted)]
    raise ConfigError(
        f"--target {wanted!r} is not one token of this model; it is {len(parts)}: {', '.join(map(repr, parts))}"
    )


def _fitting(loaded: LoadedInspector, text: str) -> Tokens:
    """Return the tokens of a text; raises InputError where there are none, or more than the context holds."""
    ids = loaded.tokenizer.encode(text)
    size = loaded.config.n_positions
    if not ids:
        raise InputError("the text is empty: give a token or more")
    if len(ids) > size:
        raise InputError(f"the text has {len(ids):,} tokens, the context holds {size:,}: give a part of it")
    return np.array(ids, np.int32)


def _lone_text(config: InsideConfig) -> str:
    """Return the text of the only row; raises InputError where there are several."""
    found: list[str] = []
    for record in config.records:
        if found:
            raise InputError(f"{record.origin}: is a second text, and one is looked at: give TEXT, or --whole")
        try:
            column = choose_column(list(record.columns), config.column, TEXT_COLUMNS) if record.error is None else ""
            found.append(text_of(record, column))
        except InputError as error:
            raise InputError(f"{record.origin}: {error}") from error
    return found[0]
