"""How much memory training takes, reckoned from the model's shape before anything is allocated.

Weights are float32, 4 bytes each, whatever --mixed-precision says; so is a gradient for each weight that trains, which
DDP copies to sum it over several processes (of 21M parameters 80 MiB, and 81 were measured), and so are Adam's two
moments (Muon keeps one for the matrices of the layers). FSDP, which parts all of these, is reckoned as DDP. For the way
back, each token leaves in each layer that gradients go through

    norms' inputs 2E, norms' outputs 2E, queries, keys and values 3E, attention 2E, dropout 1E, MLP 2I

numbers, with E = n_embd and I = n_inner: in float32, or with bf16 and fp16 all but the first in 2 bytes. Dropout makes
three matrices of n_head * length for each token, and the way back three more; where rows are shorter than LONG every
layer keeps its three, of longer rows all six exist in one layer at a time. Gradient checkpointing leaves E a layer, and
all of one layer. For the loss three chunks of logits are reckoned, of which it has held one since they share a
room, and two E a token. Python, torch and transformers themselves take RUNTIME_BYTES. Peaks measured on a CPU, of 18M
and 124M parameters and rows of 32 and 512, were 0.9 to 1.1 times the sum before that, and 0.93 with 21M since.
"""

from dataclasses import dataclass

from gptcli.checkpoint.config import ModelConfig
from gptcli.training.attention import LONG
from gptcli.training.loss import CHUNK_ELEMENTS
from gptcli.training.options import LoraOptions, TrainingOptions

RUNTIME_BYTES = 400 << 20
"""Measured: 371 MiB with torch 2.13 and transformers 5.23 imported, on Linux."""
FLOAT, HALF = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes, by what they hold; the sum is about the peak."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    loss: int
    runtime: int = RUNTIME_BYTES

    @property
    def total(self) -> int:
        """Return the peak."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.loss + self.runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Parameters of a model."""

    all: int
    trainable: int
    muon: int
    """Of those that train, the matrices of the layers."""


def count_parameters(config: ModelConfig, options: TrainingOptions, *, labels: int | None) -> Counts:
    """Count them, with an adapter's; labels is the number of outputs of a classifier."""
    width = config.n_embd
    matrices = sum(rows * columns for rows, columns in _matrices(config).values())
    layer = matrices + 9 * width + config.n_inner  # biases 3E + E + I + E, norms 4E
    embeddings = (config.vocab_size + config.n_positions) * width
    head = labels * width if labels is not None else 0 if config.tie_word_embeddings else config.vocab_size * width
    own = embeddings + config.n_layer * layer + 2 * width + head
    if options.lora is not None:
        adapter = _adapter(config, options.lora) + (labels or 0) * width
        return Counts(all=own + adapter, trainable=adapter, muon=0)
    learning = max(0, config.n_layer - options.freeze)
    frozen = embeddings + (config.n_layer - learning) * layer if options.freeze else 0
    return Counts(all=own, trainable=own - frozen, muon=learning * matrices)


def estimate_memory(
    config: ModelConfig,
    options: TrainingOptions,
    *,
    labels: int | None,
    tokens: int,
    longest: int,
    processes: int = 1,
) -> Footprint:
    """Return the memory of one of some processes, whose largest batch has this many tokens, in rows up to this long."""
    counts = count_parameters(config, options, labels=labels)
    moments = 2 * counts.trainable - (counts.muon if options.optimizer == "muon" else 0)
    logits = 0 if labels is not None else min(CHUNK_ELEMENTS, tokens * config.vocab_size)
    return Footprint(
        weights=FLOAT * counts.all,
        gradients=FLOAT * counts.trainable * (2 if processes > 1 else 1),
        optimizer=FLOAT * moments,
        activations=_activations(config, options, tokens=tokens, longest=longest),
        loss=FLOAT * (3 * logits + 2 * tokens * config.n_embd),
    )


def _activations(config: ModelConfig, options: TrainingOptions, *, tokens: int, longest: int) -> int:
    width, inner = config.n_embd, config.n_inner
    mixed = options.mixed_precision != "no"
    size = HALF if mixed else FLOAT
    layer = FLOAT * 2 * width + size * (8 * width + 2 * inner)
    attention = size * 3 * config.n_head * longest
    short = longest < LONG
    if short:
        layer += attention
    learning = config.n_layer - (options.freeze if options.lora is None else 0)
    kept = FLOAT * width if options.gradient_checkpointing else layer
    widened = layer if options.gradient_checkpointing else 0
    # On the way back the gradients of one layer's widest parts stand beside what was kept.
    passing = FLOAT * 2 * inner + (attention if short else 2 * attention)
    copies = HALF * learning * sum(rows * columns for rows, columns in _matrices(config).values()) if mixed else 0
    return tokens * (max(0, learning) * kept + widened + passing) + copies


def _matrices(config: ModelConfig) -> dict[str, tuple[int, int]]:
    width = config.n_embd
    return {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, config.n_inner),
        "mlp.c_proj": (config.n_inner, width),
    }


def _adapter(config: ModelConfig, lora: LoraOptions) -> int:
    """Count an adapter's parameters; a target names every module whose name ends in it, as in peft."""
    ends = tuple(f".{target}" for target in lora.target)
    sizes = [rows + columns for name, (rows, columns) in _matrices(config).items() if f".{name}".endswith(ends)]
    return config.n_layer * lora.rank * sum(sizes)
