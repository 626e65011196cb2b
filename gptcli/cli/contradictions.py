"""Options that contradict each other, or that cannot apply: each is an error that names them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from gptcli.cli.classify_options import LabelFlags, WordedLabelFlags
from gptcli.cli.options import ModelFlags, OutputFlags, PromptFlags, SampleFlags, SourceFlags, TextFlags
from gptcli.cli.sampling import DrawingFlags, SampleCountFlags, SamplingFlags
from gptcli.data.formats import Csv, Json, Jsonl, RowFormat, format_for
from gptcli.errors import ConfigError

EXCLUSIVE = (
    ("jsonl", "json"),
    ("resume", "overwrite"),
    ("max_new_tokens", "max_length"),
    ("min_prob", "threshold"),
    ("top", "threshold"),
)
NEEDS = {"resume": "output", "overwrite": "output", "column": "inputs", "label_column": "inputs"}
NAMES = {"inputs": "-i FILE", "output": "-o FILE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateFlags:
    """The options of a generate command, and the names of those that stand on the command line."""

    source: SourceFlags
    prompt: PromptFlags
    count: SampleCountFlags
    sampling: SamplingFlags
    output: OutputFlags
    samples: SampleFlags
    model: ModelFlags
    given: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyFlags:
    """The options of a classify command, and the names of those that stand on the command line."""

    source: TextFlags
    labels: LabelFlags
    words: WordedLabelFlags
    output: OutputFlags
    model: ModelFlags
    given: frozenset[str]


def row_format(output: OutputFlags) -> RowFormat | None:
    """Return the format of the rows, or None for plain text; raises ConfigError for an unknown suffix."""
    if output.output is not None:
        return None if output.output.lower().endswith(".txt") else format_for(output.output, also=output.ALSO)
    if output.jsonl:
        return Jsonl()
    return Json() if output.json else None


def refuse_contradictions(flags: GenerateFlags) -> None:
    """Raise ConfigError for the first contradiction."""
    _refuse(
        chain(
            _of_rows(flags.source, flags.output, flags.given),
            _of_samples(flags),
            _of_drawing(flags.sampling, flags.given),
            _of_sample_count(flags),
        )
    )


def refuse_classify_contradictions(flags: ClassifyFlags) -> None:
    """Raise ConfigError for the first contradiction."""
    refuse_row_contradictions(flags.source, flags.output, flags.given)


def refuse_row_contradictions(source: SourceFlags, output: OutputFlags, given: frozenset[str]) -> None:
    """Raise ConfigError for the first contradiction in where rows come from and where results go."""
    _refuse(_of_rows(source, output, given))


def refuse_drawing_contradictions(drawing: DrawingFlags, given: frozenset[str]) -> None:
    """Raise ConfigError for the first contradiction in how a continuation is drawn."""
    _refuse(_of_drawing(drawing, given))


def _refuse(complaints: Iterator[str]) -> None:
    for complaint in complaints:
        raise ConfigError(complaint)


def _of_rows(source: SourceFlags, output: OutputFlags, given: frozenset[str]) -> Iterator[str]:
    """Yield a complaint for each contradiction in where rows come from and where results go."""
    for one, other in EXCLUSIVE:
        if {one, other} <= given:
            yield f"{spelled(one)} and {spelled(other)} contradict each other: give one of them"
    if source.prompts and source.inputs:
        yield f"{source.ARGUMENT} and {spelled('inputs')} contradict each other: give one of them"
    for one, needed in NEEDS.items():
        if one in given and needed not in given:
            yield f"{spelled(one)} needs {spelled(needed)}"
    if "-" in source.arguments:
        yield f"- reads standard input: it does not go with other {source.ARGUMENT.lower()}s"
    if len(source.inputs or ()) > 1:
        yield "-i FILE is given more than once: give one file, or send several with cat"
    if source.arguments and source.whole:
        yield f"--whole reads a file or standard input: it does not go with {source.ARGUMENT}"
    rows = row_format(output)
    for name, kind in (("jsonl", Jsonl), ("json", Json)):
        if name in given and not isinstance(rows, kind):
            yield f"{spelled(name)} does not go with {_place(output)}: the file's suffix names the format"


def _place(output: OutputFlags) -> str:
    return f"-o {output.output}" if output.output else "--jsonl" if output.jsonl else "--json"


def _of_samples(flags: GenerateFlags) -> Iterator[str]:
    output, rows, place = flags.samples, row_format(flags.output), _place(flags.output)
    if rows is not None and output.null:
        yield f"--null ends samples of plain text: it does not go with {place}"
    if rows is not None and output.no_echo:
        yield f"--no-echo does not go with {place}: its text is the continuation alone anyway"
    if output.no_stream and (rows is not None or flags.output.output is not None):
        yield f"--no-stream does not go with {place}: only plain text is streamed"
    if output.logprobs is not None and (rows is None or isinstance(rows, Csv)):
        yield "--logprobs needs --jsonl, --json, or -o FILE with FILE in .jsonl or .json"


def _of_drawing(drawing: DrawingFlags, given: frozenset[str]) -> Iterator[str]:
    if drawing.seed is not None and drawing.seed < 0:
        yield f"--seed must be at least 0, not {drawing.seed}"
    if drawing.seed is not None and drawing.seed >= 2**64:
        yield f"--seed must be below 2**64, not {drawing.seed}"
    if "length_penalty" in given and drawing.num_beams <= 1:
        yield "--length-penalty needs --num-beams 2 or more"
    certain = _what_leaves_nothing_to_chance(drawing)
    idle = [name for name in ("temperature", "top_k", "top_p", "min_p") if name in given]
    if drawing.temperature == 0 and "temperature" in idle:
        idle.remove("temperature")
    if certain is not None and idle:
        yield f"{' and '.join(map(spelled, idle))} cannot apply with {certain}, which leaves nothing to chance"


def _of_sample_count(flags: GenerateFlags) -> Iterator[str]:
    certain = _what_leaves_nothing_to_chance(flags.sampling)
    if certain is not None and flags.count.num_samples > 1 and flags.sampling.num_beams <= 1:
        yield f"--num-samples {flags.count.num_samples} cannot apply with {certain}: greedy gives one sample"


def _what_leaves_nothing_to_chance(drawing: DrawingFlags) -> str | None:
    if drawing.num_beams > 1:
        return f"--num-beams {drawing.num_beams}"
    if drawing.greedy:
        return "--greedy"
    return "--temperature 0" if drawing.temperature == 0 else None


def spelled(parameter: str) -> str:
    """Return a parameter as it is typed."""
    return NAMES.get(parameter) or "--" + parameter.replace("_", "-")
