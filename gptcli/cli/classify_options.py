"""The options of classify: which labels there are, what counts as an answer, and what is compared with it."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer

from gptcli.cli.escapes import unescaped
from gptcli.errors import ConfigError
from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, DEFAULT_THRESHOLD, ClassifyConfig, Long
from gptcli.tasks.labelling.options import (
    DEFAULT_SCORING,
    DEFAULT_SEED,
    DEFAULT_TEMPLATE,
    LabelOptions,
    LabelText,
    Scoring,
    labels_of,
)

_DEFAULT = ClassifyConfig(records=())
DEFAULT_ABSTAIN_LABEL = "?"

_label = partial(typer.Option, rich_help_panel="Labels")
_words = partial(typer.Option, rich_help_panel="Labels in words")

# What evaluate has too.
Threshold = Annotated[
    float | None,
    _label(
        "--threshold",
        metavar="P",
        show_default=str(DEFAULT_THRESHOLD),
        help="Of labels that do not exclude each other, give those with a probability of P.",
    ),
]
LongTexts = Annotated[
    Long,
    _label(
        "--long",
        help="Of a text beyond the model's context, read the beginning, the end, or all in windows: "
        "their mean, or the surest one.",
    ),
]
LabelSeparator = Annotated[
    str | None,
    _label(
        "--label-separator",
        metavar="TEXT",
        show_default=DEFAULT_LABEL_SEPARATOR,
        help="Parts the labels of a text that has several.",
    ),
]
Labels = Annotated[
    str | None,
    _words("--labels", metavar="A,B,...", help="Choose among these: any GPT-2 does, without training."),
]
LabelsFile = Annotated[
    str | None,
    _words(
        "--labels-file",
        metavar="FILE",
        help="The same, a label a line, behind a tab its description for the model to read; or a table, or JSON.",
    ),
]
LabelScoring = Annotated[
    Scoring | None,
    _words(
        "--scoring",
        show_default=DEFAULT_SCORING,
        help="A label's score: its probability, that of its mean token, or over that without a text.",
    ),
]
Calibrate = Annotated[
    bool | None,
    _words(
        "--calibrate/--no-calibrate",
        show_default="on, but for pmi",
        help="Divide by what each label gets behind inputs that say nothing.",
    ),
]
Examples = Annotated[
    str | None,
    _words("--examples", metavar="FILE", help="Labelled rows to read before each text."),
]
Shots = Annotated[
    int | None,
    _words("--shots", metavar="K", show_default="as many as fit", help="Read K of them at most."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFlags:
    """How a model's probabilities become labels."""

    top: Annotated[
        int | None,
        _label("--top", metavar="K", show_default="1, all in JSON", help="Give the K likeliest classes."),
    ] = _DEFAULT.top
    min_prob: Annotated[
        float | None, _label("--min-prob", metavar="P", help="Give no class where none has a probability of P.")
    ] = _DEFAULT.min_prob
    threshold: Threshold = _DEFAULT.threshold
    abstain_label: Annotated[
        str, _label("--abstain-label", metavar="TEXT", help="Write TEXT where no label is given.")
    ] = DEFAULT_ABSTAIN_LABEL
    long: LongTexts = _DEFAULT.long
    label_column: Annotated[
        str | None,
        _label("--label-column", metavar="NAME", help="FILE's column of true labels: tell how many are right."),
    ] = _DEFAULT.label_column
    label_separator: LabelSeparator = _DEFAULT.label_separator


@dataclass(frozen=True, slots=True, kw_only=True)
class WordedLabelFlags:
    """Labels that no model was tuned on, and how a language model is asked for them."""

    labels: Labels = None
    labels_file: LabelsFile = None
    template: Annotated[
        str | None,
        _words(
            "--template",
            metavar="FORMAT",
            parser=unescaped,
            show_default=repr(DEFAULT_TEMPLATE),
            help="What the model reads, with {text} and then {label}.",
        ),
    ] = None
    scoring: LabelScoring = None
    calibrate: Calibrate = None
    examples: Examples = None
    shots: Shots = None
    seed: Annotated[
        int | None,
        _words("--seed", metavar="N", show_default=str(DEFAULT_SEED), help="Settles which, and in what order."),
    ] = None

    def options(self) -> LabelOptions | None:
        """Return them checked, None where there are no labels; raises ConfigError, and InputError for --labels-file."""
        labels = self._labels()
        how = ("template", "scoring", "calibrate", "examples", "shots", "seed")
        given: dict[str, Any] = {name: getattr(self, name) for name in how if getattr(self, name) is not None}
        for name in ("shots", "seed"):
            if name in given and self.examples is None:
                raise ConfigError(f"--{name} needs --examples FILE")
        if labels is None:
            for name in given:
                spelled = "no-calibrate" if given[name] is False else name
                raise ConfigError(f"--{spelled} needs --labels A,B,... or --labels-file FILE")
            return None
        return LabelOptions(labels=labels, **given)

    def _labels(self) -> tuple[LabelText, ...] | None:
        if self.labels is not None and self.labels_file is not None:
            raise ConfigError("--labels and --labels-file contradict each other: give one of them")
        if self.labels_file is None:
            return None if self.labels is None else labels_of(self.labels)
        from gptcli.tasks.labelling.label_file import read_labels_file

        return read_labels_file(self.labels_file)
