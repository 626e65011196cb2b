"""The options of evaluate for completions: how rows are put to the model, and how it writes."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import typer

from gptcli.cli.escapes import unescaped
from gptcli.cli.sampling import LengthPenalty, MaxNewTokens, NoRepeat, NumBeams, Stop
from gptcli.errors import ConfigError
from gptcli.tasks.evaluators.complete_options import GREEDY, CompleteOptions
from gptcli.tasks.evaluators.options import TaskName

Template = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="NAME|FORMAT|none",
        parser=unescaped,
        show_default="the model's own",
        rich_help_panel="How it is measured",
        help="What the model reads. Of completions qa, summary, translate, code, chat, or a format such as "
        "'Q: {question} A: {answer}'; of --labels a format with {text} and {label}.",
    ),
]
"""Of completions and of labels in words, which both know their fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateCompleteFlags:
    """How completions are measured."""

    TASK: ClassVar[TaskName] = "complete"

    template: Template = None
    no_generate: Annotated[
        bool,
        typer.Option(
            "--no-generate",
            rich_help_panel="How it is measured",
            help="Write nothing: measure only how likely the completions are that the rows have.",
        ),
    ] = False
    max_new_tokens: MaxNewTokens = GREEDY.max_new_tokens
    stop: Stop = None
    num_beams: NumBeams = GREEDY.num_beams
    length_penalty: LengthPenalty = GREEDY.length_penalty
    no_repeat_ngram_size: NoRepeat = GREEDY.no_repeat_ngram_size

    def options(self) -> CompleteOptions:
        """Return them checked; raises ConfigError."""
        writing = replace(
            GREEDY,
            max_new_tokens=self.max_new_tokens,
            stop=tuple(self.stop or ()),
            num_beams=self.num_beams,
            length_penalty=self.length_penalty,
            no_repeat_ngram_size=self.no_repeat_ngram_size,
        )
        if self.no_generate:
            for name in ("max_new_tokens", "stop", "num_beams", "length_penalty", "no_repeat_ngram_size"):
                if getattr(writing, name) != getattr(GREEDY, name):
                    raise ConfigError(f"--{name.replace('_', '-')} cannot apply with --no-generate")
        if self.num_beams == 1 and self.length_penalty != GREEDY.length_penalty:
            raise ConfigError("--length-penalty needs --num-beams 2 or more")
        return CompleteOptions(template=self.template, writing=None if self.no_generate else writing)
