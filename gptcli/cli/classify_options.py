"""The options of classify: what counts as an answer, and what is compared with it."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, DEFAULT_THRESHOLD, ClassifyConfig, Long

_DEFAULT = ClassifyConfig(records=())
DEFAULT_ABSTAIN_LABEL = "?"

_label = partial(typer.Option, rich_help_panel="Labels")


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
    threshold: Annotated[
        float | None,
        _label(
            "--threshold",
            metavar="P",
            show_default=str(DEFAULT_THRESHOLD),
            help="Of labels that do not exclude each other, give those with a probability of P.",
        ),
    ] = _DEFAULT.threshold
    abstain_label: Annotated[
        str, _label("--abstain-label", metavar="TEXT", help="Write TEXT where no label is given.")
    ] = DEFAULT_ABSTAIN_LABEL
    long: Annotated[
        Long,
        _label(
            "--long",
            help="Of a text beyond the model's context, read the beginning, the end, or all in windows: "
            "their mean, or the surest one.",
        ),
    ] = _DEFAULT.long
    label_column: Annotated[
        str | None,
        _label("--label-column", metavar="NAME", help="FILE's column of true labels: tell how many are right."),
    ] = _DEFAULT.label_column
    label_separator: Annotated[
        str | None,
        _label(
            "--label-separator",
            metavar="TEXT",
            show_default=DEFAULT_LABEL_SEPARATOR,
            help="Parts the labels of a text that has several.",
        ),
    ] = _DEFAULT.label_separator
