"""Fit prompts and continuations into the context window, and count every cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.finish import FinishReason
from gptcli.engine.options import SamplingOptions
from gptcli.errors import InputError
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Notice, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A prompt that fits, and how many tokens may follow it."""

    prompt: tuple[int, ...]
    token_limit: int
    ends_early: bool
    """Whether the window leaves room for fewer tokens than were asked for."""


class Windows:
    """The window of one run: --overflow, --max-length and the beginning of an empty prompt."""

    def __init__(self, config: ModelConfig, options: SamplingOptions) -> None:
        self._options = options
        self._size = config.n_positions
        self._begin = beginning(config)
        self._cuts = Cuts()

    def refuse_at_least(self, tokens: int) -> None:
        """Raise InputError when a prompt of at least this many tokens is too long."""
        if self._options.overflow == "error" and tokens > self._size:
            raise self._too_long(f"at least {tokens:,}")

    def fit(self, place: Place, tokens: Sequence[int]) -> Fitted:
        """Return the prompt to read; raises InputError when it is too long or leaves no room."""
        if not tokens:
            tokens = [self._beginning()]
            self._cuts.count("empty prompts, continued from the beginning-of-text token", place)
        limit = self._options.token_limit(len(tokens))
        if limit < 1:
            raise InputError(f"has {len(tokens)} tokens: --max-length {self._options.max_length} leaves no room")
        if limit < self._options.min_new_tokens:
            raise InputError(
                f"has {len(tokens)} tokens: --max-length {self._options.max_length} leaves room for {limit},"
                f" --min-new-tokens asks for {self._options.min_new_tokens}"
            )
        kept = self._cut(place, tokens, limit)
        slides = self._options.overflow == "slide"
        room = limit if slides else self._size - len(kept) + 1  # the last token needs no place in the window
        return Fitted(prompt=tuple(kept), token_limit=min(limit, room), ends_early=room < limit)

    def finished(self, place: Place, fitted: Fitted, reason: FinishReason) -> None:
        """Take note of a continuation that the window has ended."""
        if fitted.ends_early and reason == "length":
            text = f"continuations that end at the context window of {self._size} tokens (--overflow slide goes on)"
            self._cuts.count(text, place)

    def notices(self) -> Iterator[Notice]:
        """Return a sentence for each kind of cut that was made."""
        return self._cuts.notices()

    def _beginning(self) -> int:
        """Return the token from which an empty prompt goes on."""
        if self._begin is None:
            raise InputError("is empty, and this model has no beginning-of-text token")
        return self._begin

    def _cut(self, place: Place, tokens: Sequence[int], limit: int) -> Sequence[int]:
        """Return the end of the prompt that the window holds, by --overflow."""
        match self._options.overflow:
            case "error":
                if len(tokens) > self._size:
                    raise self._too_long(f"{len(tokens):,}")
                return tokens
            case "truncate-left":  # leaves room for the continuation, but never less than half for the prompt
                keep = max(self._size - limit + 1, self._size // 2)
            case "slide":
                keep = self._size
        if len(tokens) > keep:
            self._cuts.count(f"prompts cut to their last {keep:,} tokens", place)
        return tokens[-keep:]

    def _too_long(self, tokens: str) -> InputError:
        """Return the error of a prompt that the window does not hold."""
        return InputError(
            f"has {tokens} tokens, the context holds {self._size:,}; --overflow truncate-left or slide reads its end"
        )


def beginning(config: ModelConfig) -> int | None:
    """Return the token from which an empty text goes on, if the model has one."""
    return config.bos_token_id if config.bos_token_id is not None else (*config.eos_token_ids, None)[0]
