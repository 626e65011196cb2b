"""The options that /set changes: those of the command line, by the same names and checks."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from gptcli.cli.escapes import unescaped
from gptcli.cli.sampling import bias_of
from gptcli.engine.options import DEFAULT_NEW_TOKENS, SamplingOptions
from gptcli.errors import ConfigError
from gptcli.tasks.config import TokenBias, refuse_infinite


def _texts(value: str) -> tuple[str, ...]:
    r"""Read no text, one, or a JSON array of them; \n is a line end."""
    if not value.startswith("["):
        text = _unquoted(value)
        return (unescaped(text),) if text else ()
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError('a text, or several as ["one", "two"]') from error
    if not all(isinstance(text, str) for text in found):
        raise ValueError("an array of texts")
    return tuple(found)


def _whole(value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ValueError("a whole number") from error


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ValueError("a number") from error


SAMPLING: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "temperature": _number,
        "top_k": _whole,
        "top_p": _number,
        "min_p": _number,
        "repetition_penalty": _number,
        "no_repeat_ngram_size": _whole,
        "num_beams": _whole,
        "length_penalty": _number,
        "max_new_tokens": _whole,
        "min_new_tokens": _whole,
        "stop": _texts,
        "ban": _texts,
    }
)
"""The fields of SamplingOptions that a conversation has, and how each is read."""
NAMES = (*SAMPLING, "logit_bias", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How answers are drawn."""

    options: SamplingOptions
    logit_bias: TokenBias
    seed: int

    def changed(self, text: str) -> "Settings":
        """Return them with NAME=VALUE in force; raises ConfigError for a name, a value or a sum that is none."""
        given, equals, value = text.partition("=")
        name = given.strip().removeprefix("--").replace("-", "_")
        value = value.strip()
        if name == "greedy":
            raise ConfigError("greedy is temperature=0: type /set temperature=0")
        if name not in NAMES:
            raise ConfigError(f"nothing is called {given.strip()!r}{_nearest(name)}")
        if not equals:
            raise ConfigError(f"what is {name} to be? Type /set {name}=VALUE")
        try:
            return self._with(name, value)
        except ValueError as error:
            raise ConfigError(f"{name} wants {error}, not {value!r}") from error

    def lines(self) -> Iterator[str]:
        """Yield NAME=VALUE of each, as changed takes it."""
        for name in SAMPLING:
            yield f"{name}={_shown(name, getattr(self.options, name))}"
        yield f"logit_bias={json.dumps([f'{token}={value:g}' for token, value in self.logit_bias])}"
        yield f"seed={self.seed}"

    def _with(self, name: str, value: str) -> "Settings":
        if name == "seed":
            seed = _whole(value)
            if not 0 <= seed < 2**64:
                raise ConfigError(f"--seed must be at least 0 and below 2**64, not {seed}")
            return replace(self, seed=seed)
        if name == "logit_bias":
            biases = tuple(map(bias_of, _texts(value)))
            refuse_infinite(biases)
            return replace(self, logit_bias=biases)
        change = {name: SAMPLING[name](value)}
        return replace(self, options=replace(self.options, **change))


def _shown(name: str, value: object) -> str:
    if name == "max_new_tokens" and value is None:
        return str(DEFAULT_NEW_TOKENS)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _nearest(name: str) -> str:
    close = get_close_matches(name, NAMES, n=1, cutoff=0.5)
    return f": did you mean {close[0]}?" if close else "; /set alone lists what there is"


def _unquoted(value: str) -> str:
    """Return a value without the quotes around it, if it has any."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
