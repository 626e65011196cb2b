"""Look into a model for one request: next tokens, surprisal, attention, the layers' predictions, embeddings.

Everything here runs in the thread that owns the model's inspector. What the context has no room for is refused, or
told in the answer.
"""

import base64
import math
from collections.abc import Sequence

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import LoadedInspector
from gptcli.engine.sampling import Sampler
from gptcli.errors import InputError
from gptcli.explaining.candidates import candidates
from gptcli.explaining.lens import lens
from gptcli.serving.errors import ApiError, about
from gptcli.serving.limits import require_few_characters
from gptcli.serving.schemas.base import LikelyToken
from gptcli.serving.schemas.embeddings import Embedding, EmbeddingsAnswer, EmbeddingsBody, EmbeddingsUsage
from gptcli.serving.schemas.inspection import (
    AttentionAnswer,
    AttentionBody,
    LensAnswer,
    LensBody,
    LensLayer,
    NextAnswer,
    NextBody,
    NextToken,
)
from gptcli.tasks.windows import beginning

ATTENTION_DECIMALS = 6
"""Of a weight: what float32 has of a number near one."""


def next_tokens(loaded: LoadedInspector, body: NextBody, model: str) -> NextAnswer:
    """Return the likeliest next tokens, and what the options keep of them; of a long text the end is read."""
    options = body.options()
    require_few_characters(body.text, "text")
    require_known(body.append, loaded.config, "append")
    with about("text"):
        tokens = [*loaded.tokenizer.encode(body.text), *body.append] or [_beginning(loaded.config)]
    read = tokens[-loaded.config.n_positions :]
    (logits,) = next(loaded.inspector.logits(_ids(read), len(read) - 1))
    sampler = Sampler(options=options, eos_token_ids=loaded.config.eos_token_ids, ban=None)
    found = candidates(logits, sampler, read, body.top)
    return NextAnswer(
        model=model,
        tokens=len(read),
        dropped=len(tokens) - len(read),
        candidates=[
            NextToken(
                id=candidate.token,
                token=loaded.tokenizer.token_text(candidate.token),
                text=_added_text(loaded, candidate.token),
                probability=candidate.probability,
                kept_probability=candidate.kept_probability,
            )
            for candidate in found.candidates
        ],
        kept=found.kept,
        entropy_bits=found.entropy / math.log(2),
    )


def attention(loaded: LoadedInspector, body: AttentionBody, model: str) -> AttentionAnswer:
    """Return where one head looks; raises ApiError for a layer or head that the model does not have."""
    _require_below("layer", body.layer, loaded.config.n_layer, "layers")
    _require_below("head", body.head, loaded.config.n_head, "heads")
    tokens = window_of(loaded, body.text, "text")
    weights = loaded.inspector.trace(_ids(tokens)).attention(body.layer)[body.head].astype(np.float64)
    rows = np.round(weights, ATTENTION_DECIMALS).tolist()
    return AttentionAnswer.model_construct(  # half a million numbers of our own need no check
        model=model,
        tokens=[*map(loaded.tokenizer.token_text, tokens)],
        weights=[row[: number + 1] for number, row in enumerate(rows)],
    )


def layer_predictions(loaded: LoadedInspector, body: LensBody, model: str) -> LensAnswer:
    """Return what each layer would predict behind a token; raises ApiError for a position that the text has not."""
    tokens = window_of(loaded, body.text, "text")
    position = len(tokens) - 1 if body.position is None else body.position
    _require_below("position", position, len(tokens), "tokens")
    # What stands behind the position changes nothing before it, and is not read.
    trace = loaded.inspector.trace(_ids(tokens[: position + 1]))
    shown = loaded.tokenizer.token_text
    return LensAnswer(
        model=model,
        tokens=[*map(shown, tokens)],
        position=position,
        layers=[
            LensLayer(
                layer=layer.layer,
                top=[LikelyToken(id=token, token=shown(token), probability=chance) for token, chance in layer.top],
                entropy_bits=layer.entropy / math.log(2),
            )
            for layer in lens(loaded.inspector, trace, position, body.top)
        ],
    )


def embeddings(loaded: LoadedInspector, body: EmbeddingsBody, model: str) -> EmbeddingsAnswer:
    """Return the mean over each text's tokens of the final states, those behind the last layer norm."""
    width = loaded.config.n_embd
    if body.dimensions not in (None, width):
        wrong = f"dimensions: must be {width}, or left out: {model} has no others"
        raise ApiError(400, wrong, param="dimensions", code="unsupported_value")
    texts = [_input_tokens(loaded, text) for text in inputs_of(body.input)]
    data = []
    for index, tokens in enumerate(texts):
        mean = loaded.inspector.trace(_ids(tokens)).hidden.mean(axis=0, dtype=np.float64).astype("<f4")
        written = _base64(mean) if body.encoding_format == "base64" else mean.tolist()
        data.append(Embedding.model_construct(index=index, embedding=written))
    read = sum(map(len, texts))
    return EmbeddingsAnswer(data=data, model=model, usage=EmbeddingsUsage(prompt_tokens=read, total_tokens=read))


def inputs_of(given: str | list[str] | list[int] | list[list[int]]) -> list[str | list[int]]:
    """Return an input in any of OpenAI's forms as a list of texts or of token ids."""
    if isinstance(given, str):
        return [given]
    return [given] if isinstance(given[0], int) else list(given)


def window_of(loaded: LoadedInspector, text: str, param: str) -> list[int]:
    """Return the tokens of a text; raises ApiError where there are none, or more than the context holds."""
    require_near(loaded.tokenizer, text, loaded.config.n_positions, param)
    with about(param):
        tokens = loaded.tokenizer.encode(text)
    if not tokens:
        raise ApiError(400, f"{param}: is empty: give a text of a token or more", param=param, code="empty")
    return require_fits(tokens, loaded.config.n_positions, param)


def require_near(tokenizer: Tokenizer, text: str, size: int, param: str) -> None:
    """Raise ApiError for a text so much too long that counting its tokens takes seconds and much memory."""
    least = tokenizer.least_tokens(text)
    if least > size:
        raise _too_long(f"at least {least:,}", size, param)


def require_fits(tokens: list[int], size: int, param: str) -> list[int]:
    """Return tokens; raises ApiError for more than there is room for."""
    if len(tokens) > size:
        raise _too_long(f"{len(tokens):,}", size, param)
    return tokens


def require_known(tokens: Sequence[int], config: ModelConfig, param: str) -> None:
    """Raise ApiError for an id that the model does not have."""
    largest = max(tokens, default=0)
    if largest >= config.vocab_size:
        wrong = f"{param}: has the id {largest}, and those of this model are below {config.vocab_size}"
        raise ApiError(400, wrong, param=param, code="invalid_value")


def _too_long(tokens: str, size: int, param: str) -> ApiError:
    wrong = f"{param}: has {tokens} tokens, and there is room for {size:,}: shorten it"
    return ApiError(400, wrong, param=param, code="context_length_exceeded")


def _input_tokens(loaded: LoadedInspector, text: str | list[int]) -> list[int]:
    """Return the tokens of one text of an input; raises ApiError for one that cannot be read."""
    if isinstance(text, str):
        return window_of(loaded, text, "input")
    require_known(text, loaded.config, "input")
    return require_fits(text, loaded.config.n_positions, "input")


def _added_text(loaded: LoadedInspector, token: int) -> str:
    """Return what a token adds to a text: the end of a text nothing, and a part of a character U+FFFD."""
    if token in loaded.config.eos_token_ids:
        return ""
    return loaded.tokenizer.token_bytes(token).decode(errors="replace")


def _beginning(config: ModelConfig) -> int:
    """Return the token from which an empty text goes on; raises InputError where the model has none."""
    token = beginning(config)
    if token is None:
        raise InputError("is empty, and this model has no beginning-of-text token")
    return token


def _require_below(param: str, value: int, count: int, what: str) -> None:
    if value >= count:
        raise ApiError(400, f"{param}: must be below {count}, the number of {what}, not {value}", param=param)


def _base64(values: Floats) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _ids(tokens: Sequence[int]) -> Tokens:
    return np.array(tokens, np.int32)
