"""Which rows a run learns from, and how they are read: the options and their checks."""

from dataclasses import dataclass, field

from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """The data of a run; raises ConfigError for what cannot go together."""

    paths: tuple[str, ...]
    """Files, directories, or "-" for standard input."""
    wanted: WantedRoles = field(default_factory=WantedRoles)
    validation: str | None = None
    """A file or directory to validate on; None holds out a part of the rows."""
    validation_split: float = 0.1
    """Part of the rows that is held out where validation is None."""
    regression: bool = False
    label_separator: str | None = None
    """What parts the labels of one cell; None is one label a cell."""
    template: str | None = None
    """A named template or a format string; None is the one that goes with the columns."""
    lines: bool = False
    """Each line of a .txt file is a document."""

    def __post_init__(self) -> None:
        if not self.paths:
            raise ConfigError("no data: give a file, a directory, or - for standard input")
        if self.paths.count("-") + (self.validation == "-") > 1:
            raise ConfigError("standard input (-) can be read once only")
        if not 0 <= self.validation_split < 1:
            raise ConfigError(f"--validation-split must be at least 0 and below 1, not {self.validation_split:g}")
        if self.regression and self.label_separator is not None:
            raise ConfigError("--regression learns one number a row: it does not go with --label-separator")
        if self.label_separator is not None and not self.label_separator.strip(" "):
            raise ConfigError("--label-separator must not be empty")
        if self.template is not None and self.wanted.task not in ("auto", "complete"):
            raise ConfigError(f"--template needs --task complete, not {self.wanted.task}")
        labels = {"--regression": self.regression, "--label-separator": self.label_separator}
        for option, given in labels.items():
            if given and self.wanted.task not in ("auto", "classify"):
                raise ConfigError(f"{option} needs --task classify, not {self.wanted.task}")
        texts = {"--text-column": self.wanted.text_column, "--label-column": self.wanted.label_column}
        for option, given in {**labels, **texts}.items():
            if given and self.template is not None:
                raise ConfigError(f"{option} and --template contradict each other: a template is for --task complete")
