"""Make the sampler of a model: options that name texts are turned into its tokens."""

from dataclasses import replace

from gptcli.engine.ban import BanTable
from gptcli.engine.load import LoadedModel
from gptcli.engine.options import SamplingOptions
from gptcli.engine.sampling import Sampler
from gptcli.errors import ConfigError
from gptcli.tasks.config import TokenBias


def sampler_of(model: LoadedModel, options: SamplingOptions, logit_bias: TokenBias) -> Sampler:
    """Return the sampler of these options; raises ConfigError for a bias that is not one token of this model."""
    return Sampler(
        options=replace(options, logit_bias=tuple(_by_id(logit_bias, model))),
        eos_token_ids=model.config.eos_token_ids,
        ban=_ban_table(options.ban, model),
    )


def _by_id(logit_bias: TokenBias, model: LoadedModel) -> list[tuple[int, float]]:
    """Return biases by token id; raises ConfigError for what is not one token of this model."""
    bias = []
    for text, value in logit_bias:
        token = int(text) if text.isascii() and text.isdigit() else model.tokenizer.single_token(text)
        if token is None:
            pieces = [model.tokenizer.token_text(piece) for piece in model.tokenizer.encode(text)]
            raise ConfigError(
                f"--logit-bias {text!r} is not one token of {model.name}; it is {len(pieces)} tokens: {pieces}"
            )
        if token >= model.config.vocab_size:
            raise ConfigError(f"--logit-bias {text}: the ids of {model.name} are below {model.config.vocab_size}")
        bias.append((token, value))
    return bias


def _ban_table(texts: tuple[str, ...], model: LoadedModel) -> BanTable | None:
    """Return the table of what would complete a banned text, if any text is banned."""
    if not texts:
        return None
    no_text = set(model.config.eos_token_ids)  # the end of a text is not written, so no ban forbids it
    pieces = [b"" if n in no_text else model.tokenizer.token_bytes(n) for n in range(model.config.vocab_size)]
    return BanTable([text.encode(errors="surrogateescape") for text in texts], pieces)
