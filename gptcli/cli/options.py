"""Options of the command line in groups that commands share; each option is declared once.

Defaults come from the typed options that a group turns into; None means "not given".
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar

import typer

from gptcli.cli.escapes import unescaped
from gptcli.engine.options import BackendName, DType, ModelOptions
from gptcli.errors import ConfigError

_MODEL = ModelOptions()

_input = partial(typer.Option, rich_help_panel="Input")
_model = partial(typer.Option, rich_help_panel="Model")
_output = partial(typer.Option, rich_help_panel="Output")

ModelName = Annotated[
    str | None,
    _model(
        "-m",
        "--model",
        metavar="NAME|DIR",
        envvar="GPTCLI_MODEL",
        show_default="gpt2",
        help="A GPT-2, or a LoRA adapter of one: a directory, a name on the Hugging Face Hub, or builtin.",
    ),
]
Device = Annotated[str, _model("--device", metavar="<auto|cpu|cuda|cuda:N|mps>", help="Where it runs.")]
NumberFormat = Annotated[
    DType, _model("--dtype", help="The numbers it computes with; int8 is faster and costs 0.1 % of perplexity.")
]
Backend = Annotated[BackendName, _model("--backend", help="What runs it.")]
BatchSize = Annotated[
    int | None,
    _model(
        "--batch-size",
        metavar="N",
        show_default="by memory",
        help="Most sequences at once: changes the speed, never the result.",
    ),
]
Threads = Annotated[
    int | None,
    _model(
        "--threads",
        metavar="N",
        show_default="OMP_NUM_THREADS, or one a physical core",
        help="CPU threads of each process.",
    ),
]
NumProcesses = Annotated[
    int | None,
    _model(
        "--num-processes",
        metavar="N",
        show_default="1",
        help="Run in N processes on this machine, a GPU each where there are some.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonFlags:
    """Options of every command; also accepted before the command's name."""

    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say what was chosen and why.")] = False
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where in the program an error arose.")] = False

    def joined(self, before: object) -> "CommonFlags":
        """Return these with those that stood before the command's name; raises ConfigError."""
        if not isinstance(before, CommonFlags):
            return self
        joined = replace(self, quiet=self.quiet or before.quiet, verbose=self.verbose or before.verbose)
        if joined.quiet and joined.verbose:
            raise ConfigError("--quiet and --verbose contradict each other: give one of them")
        return joined


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFlags:
    """Where the rows come from."""

    ARGUMENT: ClassVar[str] = "PROMPT"
    """What an argument is called; in lower case, the column that it becomes."""

    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROMPT]...",
            help="Each one is a prompt. Without any, or with -, standard input is read, a prompt a line.",
            rich_help_panel="Input",
        ),
    ] = None
    inputs: Annotated[
        list[str] | None,
        _input(
            "-i",
            "--input",
            metavar="FILE",
            help="Read rows: .txt (one a line), .jsonl, .json, .csv, .tsv, .parquet.",
        ),
    ] = None
    column: Annotated[
        str | None,
        _input(
            "--column",
            metavar="NAME",
            show_default="prompt, else text",
            help="FILE's column with the prompt.",
        ),
    ] = None
    whole: Annotated[bool, _input("--whole", help="Read all of FILE or of standard input as one row.")] = False

    @property
    def input(self) -> str | None:
        """Return the file of rows; one at most, which refuse_contradictions sees to."""
        return self.inputs[0] if self.inputs else None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the prompts that stand on the command line; a lone - is none."""
        prompts = tuple(self.prompts or ())
        return () if prompts == ("-",) else prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFlags(SourceFlags):
    """Where the rows come from, which are texts to label."""

    ARGUMENT: ClassVar[str] = "TEXT"

    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help="Each one is a text to label. Without any, or with -, standard input is read, a text a line.",
            rich_help_panel="Input",
        ),
    ] = None
    column: Annotated[
        str | None, _input("--column", metavar="NAME", show_default="text", help="FILE's column with the text.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFlags:
    """What the model reads of a row."""

    template: Annotated[
        str | None,
        _input(
            "--template",
            metavar="NAME|FORMAT|none",
            parser=unescaped,
            show_default="the model's own, else none",
            help="What to make of each prompt, or of a row's columns, before it is read and printed: "
            "qa, summary, translate, code, chat, or a format such as 'Q: {question} A:'.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlags:
    """Which model runs, where and how."""

    model: ModelName = _MODEL.model
    device: Device = _MODEL.device
    dtype: NumberFormat = _MODEL.dtype
    backend: Backend = _MODEL.backend
    batch_size: BatchSize = _MODEL.batch_size
    threads: Threads = _MODEL.threads
    num_processes: NumProcesses = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFlags:
    """Where results go, and in what form."""

    ALSO: ClassVar[tuple[str, ...]] = ()
    """Suffixes of files that a command writes beside rows."""

    output: Annotated[
        str | None,
        _output(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to FILE, row by row: .txt, .jsonl, .json, or .csv and .tsv "
            "(the input's columns and those of the result).",
        ),
    ] = None
    overwrite: Annotated[bool, _output("--overwrite", help="Replace FILE where it exists.")] = False
    resume: Annotated[bool, _output("--resume", help="Go on with a FILE that was interrupted.")] = False
    jsonl: Annotated[bool, _output("--jsonl", help="Print a line of JSON for each result.")] = False
    json: Annotated[bool, _output("--json", help="Print one JSON array of the results.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFlags:
    """How samples are printed."""

    null: Annotated[bool, _output("-0", "--null", help="End each sample with NUL, for xargs -0.")] = False
    no_echo: Annotated[bool, _output("--no-echo", help="Print the continuation without the prompt.")] = False
    no_stream: Annotated[bool, _output("--no-stream", help="Print a sample when it is whole.")] = False
    logprobs: Annotated[
        int | None,
        _output("--logprobs", metavar="K", help="Add each token's log probability and its K best alternatives."),
    ] = None
