"""How a continuation is drawn: the sampling options, their defaults and their checks. Imports nothing heavy."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gptcli.errors import ConfigError

Overflow = Literal["error", "truncate-left", "slide"]
"""What to do with more tokens than the context holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """One request's options; names, meanings and defaults are those of transformers' GenerationConfig.

    Raises ConfigError when a value is out of range or two options contradict each other.
    """

    max_new_tokens: int | None = None
    """Tokens to add at most; None with max_length None means DEFAULT_NEW_TOKENS."""
    max_length: int | None = None
    """Tokens at most, the prompt included."""
    min_new_tokens: int = 0
    temperature: float = 1.0
    """0 is greedy."""
    top_k: int = 50
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    num_beams: int = 1
    length_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    """End before any of these texts."""
    ban: tuple[str, ...] = ()
    """Texts that never appear in the continuation, however they are cut into tokens."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """(token id, value added to its logit)."""
    logprobs: int | None = None
    """Report each token's log probability and this many best alternatives; None reports neither."""
    overflow: Overflow = "error"

    def __post_init__(self) -> None:
        for complaint in self._complaints():
            raise ConfigError(complaint)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return self.temperature == 0 or self.num_beams > 1

    def token_limit(self, prompt_tokens: int) -> int:
        """Return how many tokens may be added to a prompt of this many tokens."""
        if self.max_new_tokens is not None:
            return self.max_new_tokens
        if self.max_length is not None:
            return max(0, self.max_length - prompt_tokens)
        return DEFAULT_NEW_TOKENS

    def _complaints(self) -> Iterator[str]:
        """Yield a message for each value that is not allowed."""
        if self.max_new_tokens is not None and self.max_length is not None:
            yield "--max-new-tokens and --max-length contradict each other: give one of them"
        yield from _at_least(1, {"--max-new-tokens": self.max_new_tokens, "--max-length": self.max_length})
        yield from _at_least(1, {"--num-beams": self.num_beams})
        yield from _at_least(
            0,
            {
                "--min-new-tokens": self.min_new_tokens,
                "--temperature": self.temperature,
                "--top-k": self.top_k,
                "--no-repeat-ngram-size": self.no_repeat_ngram_size,
                "--logprobs": self.logprobs,
            },
        )
        if not 0 < self.top_p <= 1:
            yield f"--top-p must be above 0 and at most 1, not {self.top_p:g}"
        if not 0 <= self.min_p <= 1:
            yield f"--min-p must be between 0 and 1, not {self.min_p:g}"
        if not 0 < self.repetition_penalty < float("inf"):
            yield f"--repetition-penalty must be above 0, not {self.repetition_penalty:g}"
        if not -10 <= self.length_penalty <= 10:  # beyond, scores leave the range of float32
            yield f"--length-penalty must be between -10 and 10, not {self.length_penalty:g}"
        most = DEFAULT_NEW_TOKENS if self.max_length is None else None
        most = self.max_new_tokens if self.max_new_tokens is not None else most
        if most is not None and self.min_new_tokens > most:
            yield f"--min-new-tokens {self.min_new_tokens} needs --max-new-tokens of as many or more, not {most}"
        if "" in self.stop:
            yield "--stop must not be empty"
        if "" in self.ban:
            yield "--ban must not be empty"
        if self.num_beams > 1 and self.logprobs is not None:
            yield "--logprobs does not go with --num-beams: ask for one of them"
        if self.num_beams > 1 and self.overflow == "slide":
            yield "--num-beams searches within one context window: it does not go with --overflow slide"


DEFAULT_NEW_TOKENS = 50
"""As transformers' text-generation examples: a paragraph, and quick on a CPU."""


def _at_least(least: int, options: dict[str, int | float | None]) -> Iterator[str]:
    """Yield a message for each option that is below the least value allowed, not a number, or infinite."""
    for name, value in options.items():
        if value is not None and not math.isfinite(value):
            yield f"{name} must be a finite number, not {value:g}"
        elif value is not None and value < least:
            yield f"{name} must be at least {least}, not {value:g}"


Device = str
"""auto, cpu, cuda, cuda:N or mps."""
DType = Literal["auto", "float32", "bfloat16", "float16", "int8"]
BackendName = Literal["auto", "onnx", "torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which model runs, where and how; None and auto let gptcli choose and say why with --verbose."""

    model: str | None = None
    """Name or directory; None is gpt2, or the built-in model where gpt2 cannot be had."""
    device: Device = "auto"
    dtype: DType = "auto"
    backend: BackendName = "auto"
    batch_size: int | None = None
    """Sequences decoded together at most; None chooses by memory."""
    threads: int | None = None
    """CPU threads; None is one a physical core."""

    def __post_init__(self) -> None:
        for complaint in _at_least(1, {"--batch-size": self.batch_size, "--threads": self.threads}):
            raise ConfigError(complaint)
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise ConfigError(f"--device must be auto, cpu, cuda, cuda:N or mps, not {self.device!r}")
        if self.backend == "onnx" and self.device not in ("auto", "cpu"):
            raise ConfigError(f"--backend onnx runs on the CPU only: it does not go with --device {self.device}")
        if self.backend == "torch" and self.dtype == "int8":
            raise ConfigError("--dtype int8 needs --backend onnx")
        if self.backend == "onnx" and self.dtype in ("bfloat16", "float16"):
            raise ConfigError(f"--backend onnx computes in float32 or int8: it does not go with --dtype {self.dtype}")
        if self.dtype == "int8" and self.device not in ("auto", "cpu"):
            raise ConfigError(f"--dtype int8 runs on the CPU only: it does not go with --device {self.device}")
