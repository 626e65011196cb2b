"""The torch backend: transformers' own GPT2LMHeadModel over a static cache, on the device that accelerate gives.

The cache is fixed memory, read and written at indices that are tensors, so that a decode step can later be captured
as a CUDA graph.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

import accelerate
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.cache_utils import Cache
from transformers.modeling_utils import PreTrainedModel

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import LM_HEAD, Weights
from gptcli.engine.backend import Logits
from gptcli.engine.neighbours import local_rank, local_world
from gptcli.engine.opening import Opening
from gptcli.engine.placement import Placement
from gptcli.engine.torch_memory import memory_explained
from gptcli.errors import DeviceError

LENGTH_STEP = 64
"""The cache is read up to a multiple of this, so that few shapes occur."""

# transformers' switches that a checkpoint may set, under their own names
CONFIG_FIELDS = (
    "vocab_size",
    "n_positions",
    "n_embd",
    "n_layer",
    "n_head",
    "n_inner",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
)


Model = TypeVar("Model", bound=PreTrainedModel)


def default_device() -> str:
    """Return the device that accelerate chooses on this machine; of several processes each gets a GPU of its own."""
    if local_world(os.environ) is None or not torch.cuda.is_available():
        return str(accelerate.PartialState().device)
    return own_gpu()  # accelerate would have all processes join a group that nothing here needs


def own_gpu() -> str:
    """Return this process's GPU of those on this machine; raise DeviceError where there are fewer than processes."""
    rank, count = local_rank(os.environ), torch.cuda.device_count()
    if rank >= count:
        raise DeviceError(f"process {rank} has no GPU: torch sees {count}; start that many, or use --device cpu")
    return f"cuda:{rank}"


def check_device(device: str) -> None:
    """Raise DeviceError when torch cannot use a device."""
    kind, _, number = device.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else int(torch.backends.mps.is_available())
    if int(number or 0) >= count:
        raise DeviceError(f"--device {device}: torch sees {count} {kind} devices; use --device cpu")


def has_bfloat16(device: str) -> bool:
    """Return whether a device computes in bfloat16 at full speed."""
    return device.startswith("cuda") and torch.cuda.get_device_capability(device)[0] >= 8


def free_memory(device: str) -> int | None:
    """Return a device's free bytes, or None where torch cannot tell."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else None


def avoid_plans() -> None:
    """Have torch attend without cuDNN, in the whole process.

    On Hopper and Blackwell torch prefers it for 16 bits; it builds a plan for each new shape, which takes longer than
    many steps (https://github.com/modelscope/FunASR/issues/3704), and nearly every step here has a shape of its own.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)


def open_torch_backend(model: Opening, *, slots: int) -> "TorchBackend":
    """Return an engine's backend on torch."""
    return TorchBackend(open_model(GPT2LMHeadModel, model), slots=slots)


class TorchBackend:
    """GPT-2 on torch; see gptcli.engine.backend.Backend for the contract."""

    @memory_explained()
    def __init__(self, model: GPT2LMHeadModel, *, slots: int) -> None:
        """Run a model that is on its device, whose attention must be one of transformers' own."""
        config = model.config
        self.slots = slots
        self.n_positions = config.n_positions
        self.vocab_size = config.vocab_size
        self._device = model.device
        self._model = model
        shape = (config.n_layer, slots, config.n_head, config.n_positions, config.n_embd // config.n_head)
        self._cache = _SlotCache(shape, model.dtype, self._device)

    @memory_explained()
    def prefill(self, slot: int, prompts: Sequence[Sequence[int]], top: int) -> Logits:
        """Read whole prompts into slots slot, slot + 1, ...; return the logits after each one's last token."""
        hidden = self._read(slot, prompts)
        last = self._tensor([len(prompt) - 1 for prompt in prompts])
        return self._logits(hidden[torch.arange(len(prompts), device=self._device), last], top)

    @memory_explained()
    @torch.inference_mode()
    def decode(self, tokens: Sequence[int], lengths: Sequence[int], top: int) -> Logits:
        """Append one token to each of the slots 0, 1, ...; lengths are the tokens each slot held before."""
        read = min(self.n_positions, -(-(max(lengths) + 1) // LENGTH_STEP) * LENGTH_STEP)
        positions = self._tensor(lengths)[:, None]
        self._cache.at_lengths(positions, read)
        mask = torch.arange(read, device=self._device) <= positions
        return self._logits(self._forward(self._tensor(tokens)[:, None], positions, mask[:, None, None])[:, 0], top)

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy the first length positions of one slot's cache over another's."""
        for memory in (self._cache.keys, self._cache.values):
            memory[:, target, :, :length] = memory[:, source, :, :length]

    @torch.inference_mode()
    def _read(self, slot: int, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Run the model over right-padded prompts; return all final hidden states (rows, width, n_embd)."""
        width = max(map(len, prompts))
        tokens = self._tensor([[*prompt, *[0] * (width - len(prompt))] for prompt in prompts])
        positions = torch.arange(width, device=self._device).expand(len(prompts), -1)
        causal = torch.ones(width, width, dtype=torch.bool, device=self._device).tril()
        self._cache.at_slots(slot, len(prompts))
        return self._forward(tokens, positions, causal.expand(len(prompts), 1, -1, -1))

    def _forward(self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Run the transformer; the mask is (rows, 1, new tokens, keys)."""
        output = self._model.transformer(
            tokens,
            position_ids=positions,
            attention_mask=mask,
            cache=self._cache,
            use_cache=True,
        )
        hidden: torch.Tensor = output.last_hidden_state
        return hidden

    @torch.inference_mode()
    def _logits(self, hidden: torch.Tensor, top: int) -> Logits:
        """Return the logits of hidden states (rows, n_embd)."""
        logits = self._model.lm_head(hidden).float()
        best = logits.topk(top)
        return Logits(
            values=as_array(logits),
            top_values=as_array(best.values),
            top_ids=best.indices.cpu().numpy(),
            logsumexp=as_array(logits.logsumexp(-1)),
        )

    def _tensor(self, values: Sequence[int] | Sequence[Sequence[int]]) -> torch.Tensor:
        """Return integers on the device."""
        return torch.tensor(values, device=self._device)


class _SlotCache(Cache):
    """Keys and values (layers, slots, heads, positions, head_dim) that the model's layers read and write in place."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(layers=[])
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self._slots = slice(0)
        self._positions: torch.Tensor | None = None
        self._read = 0

    def at_slots(self, slot: int, rows: int) -> None:
        """Make the next pass write whole prompts into slots slot, slot + 1, ..."""
        self._slots, self._positions = slice(slot, slot + rows), None

    def at_lengths(self, positions: torch.Tensor, read: int) -> None:
        """Make the next pass write one position (rows, 1) of each slot, and attend to the first `read`."""
        self._positions, self._read = positions, read

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: object, **_named: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store a layer's new keys and values (rows, heads, new tokens, head_dim); return those to attend to."""
        if self._positions is None:
            width = key_states.shape[2]
            self.keys[layer_idx, self._slots, :, :width] = key_states
            self.values[layer_idx, self._slots, :, :width] = value_states
            return key_states, value_states
        rows = len(key_states)
        slots = torch.arange(rows, device=key_states.device)
        self.keys[layer_idx, slots, :, self._positions[:, 0]] = key_states[:, :, 0]
        self.values[layer_idx, slots, :, self._positions[:, 0]] = value_states[:, :, 0]
        return self.keys[layer_idx, :rows, :, : self._read], self.values[layer_idx, :rows, :, : self._read]


@memory_explained()
def open_model(kind: type[Model], model: Opening) -> Model:
    """Load a checkpoint's weights onto the device, where they are ready to run."""
    if model.placement.device == "cpu":
        torch.set_num_threads(model.threads)
    else:
        avoid_plans()
    return _placed(kind, model.config, model.weights, model.placement)


def _placed(kind: type[Model], config: ModelConfig, weights: Weights, placement: Placement) -> Model:
    """Build transformers' model around the checked weights and let accelerate place it."""
    fields = {name: getattr(config, name) for name in CONFIG_FIELDS}
    gpt2 = GPT2Config(
        **fields,
        activation_function=config.activation,
        tie_word_embeddings=weights.tied,
        bos_token_id=None,  # the engine begins and ends texts itself
        eos_token_id=None,
    )
    if SCORE in weights.tensors:
        gpt2.num_labels = weights.tensors[SCORE].shape[0]
    with accelerate.init_empty_weights():
        model = kind(gpt2)
    names = {name: name if name in (LM_HEAD, SCORE) else f"transformer.{name}" for name in weights.tensors}
    known = model.state_dict().keys()
    dtype: torch.dtype = getattr(torch, placement.dtype)
    tensors = {known_as: _weight(weights, name).to(dtype) for name, known_as in names.items() if known_as in known}
    model.load_state_dict(tensors, strict=False, assign=True)
    model.tie_weights()
    model.requires_grad_(False).train(False)
    placed: Model = accelerate.dispatch_model(model, {"": torch.device(placement.device)})
    return placed


def _weight(weights: Weights, name: str) -> torch.Tensor:
    """Return one tensor in memory of its own: torch must not write to a mapped file."""
    return torch.from_numpy(np.array(weights.array(name)))


def as_array(tensor: torch.Tensor) -> NDArray[np.float32]:
    """Return a tensor as a float32 array."""
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
