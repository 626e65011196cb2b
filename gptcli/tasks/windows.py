"""Fit prompts and continuations into the context window, and count every cut."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.finish import FinishReason
from gptcli.engine.options import SamplingOptions
from gptcli.errors import InputError


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
        self._begin = config.bos_token_id if config.bos_token_id is not None else (*config.eos_token_ids, None)[0]
        self._cuts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def refuse_at_least(self, tokens: int) -> None:
        """Raise InputError when a prompt of at least this many tokens is too long."""
        if self._options.overflow == "error" and tokens > self._size:
            raise self._too_long(f"at least {tokens:,}")

    def fit(self, origin: str, tokens: Sequence[int]) -> Fitted:
        """Return the prompt to read; raises InputError when it is too long or leaves no room."""
        if not tokens:
            tokens = [self._beginning()]
            self._count("empty prompts, continued from the beginning-of-text token", origin)
        limit = self._options.token_limit(len(tokens))
        if limit < 1:
            raise InputError(f"has {len(tokens)} tokens: --max-length {self._options.max_length} leaves no room")
        if limit < self._options.min_new_tokens:
            raise InputError(
                f"has {len(tokens)} tokens: --max-length {self._options.max_length} leaves room for {limit},"
                f" --min-new-tokens asks for {self._options.min_new_tokens}"
            )
        kept = self._cut(origin, tokens, limit)
        slides = self._options.overflow == "slide"
        room = limit if slides else self._size - len(kept) + 1  # the last token needs no place in the window
        return Fitted(prompt=tuple(kept), token_limit=min(limit, room), ends_early=room < limit)

    def finished(self, origin: str, fitted: Fitted, reason: FinishReason) -> None:
        """Take note of a continuation that the window has ended."""
        if fitted.ends_early and reason == "length":
            text = f"continuations that end at the context window of {self._size} tokens (--overflow slide goes on)"
            self._count(text, origin)

    def notices(self) -> Iterator[str]:
        """Yield a sentence for each kind of cut that was made."""
        for text, count in self._cuts.items():
            yield f"{text}: {count} (first: {self._first[text]})"

    def _beginning(self) -> int:
        """Return the token from which an empty prompt goes on."""
        if self._begin is None:
            raise InputError("is empty, and this model has no beginning-of-text token")
        return self._begin

    def _cut(self, origin: str, tokens: Sequence[int], limit: int) -> Sequence[int]:
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
            self._count(f"prompts cut to their last {keep:,} tokens", origin)
        return tokens[-keep:]

    def _too_long(self, tokens: str) -> InputError:
        """Return the error of a prompt that the window does not hold."""
        return InputError(
            f"has {tokens} tokens, the context holds {self._size:,}; --overflow truncate-left or slide reads its end"
        )

    def _count(self, text: str, origin: str) -> None:
        """Count a cut and remember where the first one was."""
        self._cuts[text] += 1
        self._first.setdefault(text, origin)
