"""The options of evaluate for labels: which there are, how a model is asked for them, and pictures."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from gptcli.cli.classify_options import (
    Calibrate,
    Examples,
    Labels,
    LabelScoring,
    LabelSeparator,
    LabelsFile,
    LongTexts,
    Shots,
    Threshold,
    WordedLabelFlags,
)
from gptcli.cli.evaluate_complete_options import Template
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.classify_options import ClassifyOptions
from gptcli.tasks.evaluators.options import TaskName
from gptcli.tasks.labelling.options import DEFAULT_SEED

_DEFAULT = ClassifyOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateClassifyFlags:
    """How labels are measured."""

    TASK: ClassVar[TaskName] = "classify"

    threshold: Threshold = _DEFAULT.threshold
    label_separator: LabelSeparator = _DEFAULT.label_separator
    long: LongTexts = _DEFAULT.long
    labels: Labels = None
    labels_file: LabelsFile = None
    template: Template = None
    scoring: LabelScoring = None
    calibrate: Calibrate = None
    examples: Examples = None
    shots: Shots = None
    shots_seed: Annotated[
        int | None,
        typer.Option(
            "--shots-seed",
            metavar="N",
            show_default=str(DEFAULT_SEED),
            rich_help_panel="Labels in words",
            help="Settles which, and in what order.",
        ),
    ] = None
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            metavar="DIR",
            rich_help_panel="Result",
            help="Draw the confusion matrix and the reliability diagram of each model there, as PNG.",
        ),
    ] = _DEFAULT.plots

    def options(self) -> ClassifyOptions:
        """Return them checked; raises ConfigError, MissingExtraError, and InputError for --labels-file."""
        if self.shots_seed is not None and self.examples is None:
            raise ConfigError("--shots-seed needs --examples FILE")
        words = WordedLabelFlags(
            labels=self.labels,
            labels_file=self.labels_file,
            template=self.template,
            scoring=self.scoring,
            calibrate=self.calibrate,
            examples=self.examples,
            shots=self.shots,
            seed=self.shots_seed,
        )
        return ClassifyOptions(
            labels=words.options(),
            long=self.long,
            threshold=self.threshold,
            label_separator=self.label_separator,
            plots=self.plot,
        )
