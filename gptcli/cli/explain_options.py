"""The options of explain: what is looked at, in which form, and by which lines are chosen."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import typer

from gptcli.cli.options import Backend, BatchSize, Device, ModelName, NumberFormat, OutputFlags, TextFlags, Threads
from gptcli.cli.sampling import MinP, Temperature, TopK, TopP
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.tasks.explain_config import DEFAULT_TOP
from gptcli.tasks.explain_events import Measure

_MODEL = ModelOptions()
_SAMPLING = SamplingOptions()
DEFAULT_MEASURE: Measure = "max"

PAGE = ".html"
PICTURES = (".png", ".svg")

Method = Literal["gradient", "integrated"]
"""How a token's part in a prediction is found: gradient x input, or integrated gradients."""

_view = partial(typer.Option, rich_help_panel="View")
_filter = partial(typer.Option, rich_help_panel="Lines by their surprisal")
_inside = partial(typer.Option, rich_help_panel="Inside the model")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTextFlags(TextFlags):
    """Where the texts come from."""

    ARGUMENT: ClassVar[str] = "TEXT"

    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help="Each one is a text to explain. Without any, or with -, standard input is read, a text a line.",
            rich_help_panel="Input",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOutputFlags(OutputFlags):
    """Where explanations go, and in what form."""

    ALSO: ClassVar[tuple[str, ...]] = (PAGE, *PICTURES)

    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to FILE, row by row: .txt, .jsonl, .ndjson, .json, or .csv and .tsv (the input's "
            "columns and figures). Of one text: .html is a page to explore, .png and .svg a picture of what is "
            "inside the model.",
            rich_help_panel="Output",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFlags:
    """What is told of a text."""

    next: Annotated[
        int | None,
        _view("--next", metavar="K", help="The K likeliest next tokens, and what the sampling keeps of them."),
    ] = None
    versus: Annotated[
        str | None,
        _view("--vs", metavar="NAME|DIR", help="Which tokens -m finds likelier than this one, its base for example."),
    ] = None
    interactive: Annotated[
        bool, _view("--interactive", help="Choose the next token by hand, again and again (extra chat).")
    ] = False
    top: Annotated[
        int, _view("--top", metavar="N", help="Most of the expected tokens that are told of each place.")
    ] = DEFAULT_TOP
    tsv: Annotated[
        bool,
        typer.Option("--tsv", help="Print a table with a row for each token.", rich_help_panel="Output"),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFlags:
    """Which lines are printed."""

    above: Annotated[
        float | None, _filter("--above", metavar="BITS", help="Print the lines with more, as they are; else exit 1.")
    ] = None
    below: Annotated[
        float | None, _filter("--below", metavar="BITS", help="Print the lines with less, as they are; else exit 1.")
    ] = None
    by: Annotated[
        Measure,
        _filter(
            "--by",
            help="What counts of a line: the bits of its most surprising token, of its mean token, "
            "of all, or a byte of it.",
        ),
    ] = DEFAULT_MEASURE
    scores: Annotated[
        bool,
        _filter("--scores", help="Print that figure and a tab in front of each line; of a table, figures are columns."),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideFlags:
    """What is looked at inside the model, of one text."""

    attention: Annotated[
        bool, _inside("--attention", help="Where the heads look: all of them, or one with --layer and --head.")
    ] = False
    layer: Annotated[int | None, _inside("--layer", metavar="L", help="The head's layer, from 0.")] = None
    head: Annotated[int | None, _inside("--head", metavar="H", help="The head, from 0.")] = None
    lens: Annotated[bool, _inside("--lens", help="What each layer would predict, if it were the last.")] = False
    attribution: Annotated[
        Method | None,
        _inside(
            "--attribution", help="Which tokens speak for the next one: gradient x input, or integrated gradients."
        ),
    ] = None
    target: Annotated[
        str | None,
        _inside("--target", metavar="TOKEN", show_default="the likeliest", help="The next token, as text or as an id."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSamplingFlags:
    """What --next and --interactive show the effect of."""

    temperature: Temperature = _SAMPLING.temperature
    top_k: TopK = _SAMPLING.top_k
    top_p: TopP = _SAMPLING.top_p
    min_p: MinP = _SAMPLING.min_p

    def options(self) -> SamplingOptions:
        """Return them checked; raises ConfigError."""
        return SamplingOptions(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, min_p=self.min_p)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainModelFlags:
    """Which model is looked into, where and how."""

    model: ModelName = _MODEL.model
    device: Device = _MODEL.device
    dtype: NumberFormat = _MODEL.dtype
    backend: Backend = _MODEL.backend
    batch_size: BatchSize = _MODEL.batch_size
    threads: Threads = _MODEL.threads

    def options(self) -> ModelOptions:
        """Return them checked; raises ConfigError."""
        return ModelOptions(
            model=self.model,
            device=self.device,
            dtype=self.dtype,
            backend=self.backend,
            batch_size=self.batch_size,
            threads=self.threads,
        )
