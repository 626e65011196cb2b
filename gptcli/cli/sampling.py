"""The sampling options of the command line, and what they turn into."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from gptcli.engine.options import DEFAULT_NEW_TOKENS, Overflow, SamplingOptions
from gptcli.errors import ConfigError

_DEFAULT = SamplingOptions()

_length = partial(typer.Option, rich_help_panel="Length", metavar="N")
_sampling = partial(typer.Option, rich_help_panel="Sampling")

# What explain has too.
Temperature = Annotated[
    float,
    _sampling("-t", "--temperature", "--temp", metavar="X", help="Below 1 safer, above 1 wilder; 0 is greedy."),
]
TopK = Annotated[int, _sampling("--top-k", metavar="K", help="Draw from the K likeliest tokens; 0 is all of them.")]
TopP = Annotated[float, _sampling("--top-p", metavar="P", help="Draw from the likeliest tokens that together reach P.")]
MinP = Annotated[
    float, _sampling("--min-p", metavar="P", help="Drop tokens below P times the likeliest's probability.")
]
# What evaluate has too.
NoRepeat = Annotated[
    int,
    _sampling("--no-repeat-ngram-size", metavar="N", help="Never repeat N tokens in a row; 0 allows it."),
]
NumBeams = Annotated[
    int,
    _sampling("--num-beams", metavar="N", help="Search N beams for a likely text instead of drawing one."),
]
LengthPenalty = Annotated[
    float,
    _sampling("--length-penalty", metavar="X", help="Above 0 favours longer beams, below 0 shorter."),
]
MaxNewTokens = Annotated[
    int | None,
    _length(
        "--max-new-tokens",
        "--max-tokens",
        show_default=str(DEFAULT_NEW_TOKENS),
        help="Most tokens to add. A token is about three quarters of an English word.",
    ),
]
Stop = Annotated[
    list[str] | None,
    typer.Option(
        "--stop",
        metavar="TEXT",
        help="End before TEXT, which is not printed. Repeatable.",
        rich_help_panel="Length",
    ),
]

ALIASES = {"num-return-sequences": "num-samples"}
"""transformers' names for options that are called otherwise here."""


def option_name(name: str) -> str:
    """Return an option's name as declared: transformers' spellings with underscores are accepted."""
    name = name.replace("_", "-")
    return ALIASES.get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCountFlags:
    """How many continuations are drawn."""

    num_samples: Annotated[
        int, _sampling("-n", "--num-samples", metavar="N", help="How many different samples of each prompt.")
    ] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingFlags:
    """How a continuation is drawn."""

    seed: Annotated[
        int | None,
        _sampling(
            "--seed",
            metavar="N",
            show_default="drawn",
            help="The same seed gives the same text, whatever the batch.",
        ),
    ] = None
    temperature: Temperature = _DEFAULT.temperature
    greedy: Annotated[bool, _sampling("--greedy", help="Always take the likeliest token.")] = False
    top_k: TopK = _DEFAULT.top_k
    top_p: TopP = _DEFAULT.top_p
    min_p: MinP = _DEFAULT.min_p
    repetition_penalty: Annotated[
        float,
        _sampling("--repetition-penalty", metavar="X", help="Above 1 makes tokens seen before less likely."),
    ] = _DEFAULT.repetition_penalty
    no_repeat_ngram_size: NoRepeat = _DEFAULT.no_repeat_ngram_size
    num_beams: NumBeams = _DEFAULT.num_beams
    length_penalty: LengthPenalty = _DEFAULT.length_penalty
    ban: Annotated[list[str] | None, _sampling("--ban", metavar="TEXT", help="Never write TEXT. Repeatable.")] = None
    logit_bias: Annotated[
        list[str] | None,
        _sampling(
            "--logit-bias",
            metavar="TOKEN=X",
            help="Add X to the logit of TOKEN, a text or an id. Repeatable.",
        ),
    ] = None
    max_new_tokens: MaxNewTokens = _DEFAULT.max_new_tokens
    min_new_tokens: Annotated[int, _length("--min-new-tokens", help="Fewest tokens to add.")] = _DEFAULT.min_new_tokens
    stop: Stop = None

    def drawing(
        self, *, max_length: int | None = None, overflow: Overflow = _DEFAULT.overflow, logprobs: int | None = None
    ) -> SamplingOptions:
        """Return them checked, with what else there is; raises ConfigError."""
        return SamplingOptions(
            max_new_tokens=self.max_new_tokens,
            max_length=max_length,
            min_new_tokens=self.min_new_tokens,
            temperature=0.0 if self.greedy else self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            no_repeat_ngram_size=self.no_repeat_ngram_size,
            num_beams=self.num_beams,
            length_penalty=self.length_penalty,
            stop=tuple(self.stop or ()),
            ban=tuple(self.ban or ()),
            logprobs=logprobs,
            overflow=overflow,
        )

    def biases(self) -> tuple[tuple[str, float], ...]:
        """Return each --logit-bias as (token, value); raises ConfigError."""
        return tuple(bias_of(text) for text in self.logit_bias or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingFlags(DrawingFlags):
    """How the continuations of rows are drawn."""

    max_length: Annotated[int | None, _length("--max-length", help="Most tokens, the prompt's included.")] = (
        _DEFAULT.max_length
    )
    overflow: Annotated[
        Overflow,
        typer.Option(
            "--overflow",
            help="Beyond the model's context: fail the row, drop the prompt's beginning, or slide.",
            rich_help_panel="Length",
        ),
    ] = _DEFAULT.overflow

    def options(self, *, logprobs: int | None) -> SamplingOptions:
        """Return them checked; raises ConfigError."""
        return self.drawing(max_length=self.max_length, overflow=self.overflow, logprobs=logprobs)


def bias_of(text: str) -> tuple[str, float]:
    """Split TOKEN=X at the last "=", since a token may hold one."""
    token, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not token or math.isnan(value):
        raise ConfigError(f"--logit-bias wants TOKEN=X with X a number, not {text!r}")
    return token, value
