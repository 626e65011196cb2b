"""What /v1/chat/completions gives back: messages with their tokens and reasons to end, whole or piece by piece."""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from gptcli.engine.request import Finished, Piece, TokenScore
from gptcli.serving.schemas.chat import ChatBody
from gptcli.serving.served import ServedLanguageModel
from gptcli.serving.sse import EventTemplate
from gptcli.serving.token_lists import finite
from gptcli.serving.usage import finish_reason, usage
from gptcli.serving.writing import Prompt


class ChatShape:
    """The answer to one request."""

    def __init__(self, model: ServedLanguageModel, body: ChatBody, prompt: Prompt) -> None:
        self._model = model
        self._body = body
        self._prompt_tokens = len(prompt.tokens)
        self._shared: dict[str, object] = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model.id,
        }
        self._event = EventTemplate({**self._shared, "object": "chat.completion.chunk"}, usage=body.tells_usage)
        self._texts = [_GrowingAnswer() for _ in range(body.samples)]
        self._told = [0] * body.samples

    @property
    def lists_tokens(self) -> bool:
        """Return whether it tells of tokens one by one."""
        return self._body.wanted_logprobs is not None

    def whole(self, finished: Sequence[Finished]) -> dict[str, Any]:
        """Return the answer."""
        choices = [
            {
                "index": one.sample,
                "message": {
                    "role": "assistant",
                    "content": self._model.dialogue.answer(one.text),
                    "refusal": None,
                },
                "logprobs": self._logprobs(one.scores),
                "finish_reason": finish_reason(one),
            }
            for one in finished
        ]
        new_tokens = sum(len(one.tokens) for one in finished)
        return {**self._shared, "choices": choices, "usage": usage(self._prompt_tokens, new_tokens)}

    def begin(self) -> Iterator[bytes]:
        """Yield who speaks, for each answer."""
        for sample in range(self._body.samples):
            yield self._event.of(_choice(sample, {"role": "assistant", "content": "", "refusal": None}, None, None))

    def piece(self, number: int, piece: Piece) -> bytes:
        """Return the event of new text, or nothing where that may be white space at the answer's end."""
        text = self._texts[piece.sample].pushed(piece.text)
        self._told[piece.sample] += len(piece.scores)
        if not text and not piece.scores:
            return b""
        return self._event.of(_choice(piece.sample, {"content": text}, self._logprobs(piece.scores), None))

    def finished(self, number: int, finished: Finished) -> bytes:
        """Return the event of an answer's end, with the tokens that brought no text."""
        scores = finished.scores[self._told[finished.sample] :]
        logprobs = self._logprobs(scores) if scores else None
        return self._event.of(_choice(finished.sample, {}, logprobs, finish_reason(finished)))

    def end(self, new_tokens: int) -> Iterator[bytes]:
        """Yield the count of tokens, if it is wanted."""
        if self._body.tells_usage:
            yield self._event.usage(usage(self._prompt_tokens, new_tokens))

    def _logprobs(self, scores: Sequence[TokenScore]) -> dict[str, Any] | None:
        """Return the tokens, if they are wanted."""
        if not self.lists_tokens:
            return None
        content = [
            {
                **self._token(score.token, score.logprob),
                "top_logprobs": [self._token(token, logprob) for token, logprob in score.top],
            }
            for score in scores
        ]
        return {"content": content, "refusal": None}

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        tokenizer = self._model.tokenizer
        return {
            "token": tokenizer.token_text(token),
            "logprob": finite(logprob),
            "bytes": list(tokenizer.token_bytes(token)),
        }


class _GrowingAnswer:
    """An answer as it grows, without the white space around it: what is given out is DialogueFormat.answer's, early."""

    def __init__(self) -> None:
        self._has_begun = False
        self._held_back = ""

    def pushed(self, text: str) -> str:
        """Add text; return what of it, and of what was held back, stands for sure."""
        text = self._held_back + text
        if not self._has_begun:
            text = text.lstrip()
        body = text.rstrip()
        self._held_back = text[len(body) :]
        self._has_begun = self._has_begun or bool(body)
        return body


def _choice(index: int, delta: dict[str, Any], logprobs: dict[str, Any] | None, reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
