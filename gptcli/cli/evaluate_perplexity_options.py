"""The options of evaluate that only perplexity has."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import typer

from gptcli.cli.escapes import unescaped
from gptcli.cli.evaluate_options import Protocol
from gptcli.tasks.evaluators.options import TaskName
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions

_DEFAULT = PerplexityOptions()

_perplexity = partial(typer.Option, rich_help_panel="Perplexity")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerplexityFlags:
    """The convention that perplexity is measured by."""

    TASK: ClassVar[TaskName] = "perplexity"

    protocol: Protocol = _DEFAULT.protocol
    context: Annotated[
        int | None,
        _perplexity(
            "--context", metavar="N", show_default="the model's", help="Most tokens to read before the one predicted."
        ),
    ] = _DEFAULT.context
    stride: Annotated[
        int | None,
        _perplexity(
            "--stride",
            metavar="N",
            show_default="half of the context",
            help="Tokens scored in each further window of a long text: fewer give each more context, and take longer.",
        ),
    ] = _DEFAULT.stride
    bos: Annotated[
        bool | None,
        _perplexity(
            "--bos/--no-bos",
            show_default="where the model has one",
            help="Put the beginning-of-text token in front of each text, so that its first token is scored too.",
        ),
    ] = _DEFAULT.bos
    separator: Annotated[
        str | None,
        _perplexity(
            "--separator",
            metavar="TEXT",
            parser=unescaped,
            show_default="each document by itself",
            help=r"Read the documents as one stream with TEXT between them, which is not scored; \n is a line end.",
        ),
    ] = _DEFAULT.separator

    def options(self) -> PerplexityOptions:
        """Return them checked; raises ConfigError."""
        return PerplexityOptions(
            protocol=self.protocol,
            context=self.context,
            stride=self.stride,
            bos=self.bos,
            separator=self.separator,
        )
