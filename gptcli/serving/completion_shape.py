"""What /v1/completions gives back: texts with their prompts, tokens and reasons to end, whole or piece by piece."""

import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gptcli.engine.request import Finished, Piece, TokenScore
from gptcli.serving.schemas.completions import CompletionBody
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.sse import EventTemplate
from gptcli.serving.token_lists import Listed, TokenList, Unscored, joined
from gptcli.serving.usage import finish_reason, usage
from gptcli.serving.writing import Prompt

Scores = Sequence[TokenScore | Unscored]


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What stands before the texts of a prompt: nothing, or the prompt."""

    text: str
    tokens: Listed | None


@dataclass(slots=True)
class _Streamed:
    """How far a text has been sent."""

    length: int
    """Characters, the prompt's included."""
    tokens: TokenList


class CompletionShape:
    """The answer to one request."""

    def __init__(
        self,
        model: ServedLanguageModel,
        body: CompletionBody,
        prompts: Sequence[Prompt],
        prompt_scores: Sequence[Scores],
    ) -> None:
        """Answer a body with these prompts; those that are given back with probabilities have scores, one a token."""
        self._tokenizer = model.tokenizer
        self._body = body
        self._prompts = prompts
        self._prompt_scores = prompt_scores
        self._prompt_tokens = sum(len(prompt.tokens) for prompt in prompts)
        self._shared = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model.id,
        }
        self._event = EventTemplate(self._shared, usage=body.tells_usage)
        self._streamed: dict[tuple[int, int], _Streamed] = {}

    @property
    def lists_tokens(self) -> bool:
        """Return whether it tells of tokens one by one."""
        return self._body.logprobs is not None

    def whole(self, finished: Sequence[Finished]) -> dict[str, Any]:
        """Return the answer, of all samples of each prompt the best; without any, the prompts alone."""
        by_prompt: dict[int, list[Finished]] = defaultdict(list)
        first_key = min((one.key for one in finished), default=0)
        for one in finished:
            by_prompt[one.key - first_key].append(one)
        choices = []
        for number in range(len(self._prompts)):
            best: Sequence[Finished | None] = self._best(by_prompt[number]) or [None] * self._body.samples
            prefix = self._prefix(number)
            choices += [self._choice(self._index(number, rank), prefix, one) for rank, one in enumerate(best)]
        new_tokens = sum(len(one.tokens) for one in finished)
        return {**self._shared, "choices": choices, "usage": usage(self._prompt_tokens, new_tokens)}

    def begin(self) -> Iterator[bytes]:
        """Yield the prompts, if they are to be given back."""
        for number in range(len(self._prompts)):
            prefix = self._prefix(number)
            for sample in range(self._body.samples):
                tokens = TokenList(self._tokenizer, len(prefix.text))
                self._streamed[number, sample] = _Streamed(len(prefix.text), tokens)
                if self._body.echo:
                    index = self._index(number, sample)
                    yield self._event.of(_choice(index, prefix.text, prefix.tokens, None))

    def piece(self, number: int, piece: Piece) -> bytes:
        """Return the event of new text."""
        streamed = self._streamed[number, piece.sample]
        streamed.length += len(piece.text)
        logprobs = self._listed(streamed, piece.scores)
        return self._event.of(_choice(self._index(number, piece.sample), piece.text, logprobs, None))

    def finished(self, number: int, finished: Finished) -> bytes:
        """Return the event of a text's end, with the tokens that brought no text."""
        streamed = self._streamed[number, finished.sample]
        logprobs = self._listed(streamed, finished.scores[streamed.tokens.told :])
        reason = finish_reason(finished)
        return self._event.of(_choice(self._index(number, finished.sample), "", logprobs, reason))

    def end(self, new_tokens: int) -> Iterator[bytes]:
        """Yield the count of tokens, if it is wanted."""
        if self._body.tells_usage:
            yield self._event.usage(usage(self._prompt_tokens, new_tokens))

    def _best(self, finished: list[Finished]) -> list[Finished]:
        """Return the samples whose tokens are likeliest on average; all of them as they are, if all are wanted."""
        if len(finished) > self._body.samples:
            finished.sort(key=lambda one: -one.logprob / len(one.tokens))
        return finished[: self._body.samples]

    def _choice(self, index: int, prefix: _Prefix, finished: Finished | None) -> dict[str, Any]:
        """Return one text; where nothing is written, the prompt alone."""
        text = prefix.text if finished is None else prefix.text + finished.text
        scores = () if finished is None else finished.scores
        reason = "length" if finished is None else finish_reason(finished)
        tokens = prefix.tokens
        if self.lists_tokens:
            own = TokenList(self._tokenizer, len(prefix.text)).listed(scores, len(text))
            tokens = own if tokens is None else joined((tokens, own))
        return _choice(index, text, tokens, reason)

    def _prefix(self, number: int) -> _Prefix:
        """Return what stands before the texts of a prompt."""
        if not self._body.echo:
            return _Prefix("", None)
        text = self._prompts[number].text
        if not self.lists_tokens:
            return _Prefix(text, None)
        return _Prefix(text, TokenList(self._tokenizer, 0).listed(self._prompt_scores[number], len(text)))

    def _listed(self, streamed: _Streamed, scores: Sequence[TokenScore]) -> Listed | None:
        return streamed.tokens.listed(scores, streamed.length) if self.lists_tokens else None

    def _index(self, number: int, sample: int) -> int:
        return number * self._body.samples + sample


def _choice(index: int, text: str, logprobs: Listed | None, reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
