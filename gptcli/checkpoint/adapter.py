"""Read a LoRA adapter as peft saves it; what would need more than its two matrices a module is refused by name."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gptcli.checkpoint.files import ADAPTER_CONFIG, ADAPTER_WEIGHTS, JsonObject, read_json
from gptcli.checkpoint.safetensors import TensorLocation, read_header
from gptcli.checkpoint.weights import STORED_DTYPES
from gptcli.errors import ModelError

SCORE = "score.weight"
"""The head of a classifier, which is saved whole beside the matrices."""

_MODULE = re.compile(r"h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)")
_MATRIX = re.compile(r"(.+)\.lora_([AB])\.weight")

_REFUSED = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
"""Settings of peft that change the arithmetic, or the weights that are adapted."""
_INITIALIZATIONS = ("gaussian", "eva", "orthogonal")
"""Those that leave the base model's weights alone; true and false do too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """The update of one weight: scaling * B @ A, transposed as Conv1D has its weights."""

    a: TensorLocation
    """(rank, inputs)."""
    b: TensorLocation
    """(outputs, rank)."""
    scaling: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter's updates by the weight's name, without "transformer."."""

    directory: Path
    base: str
    """The base model's name or directory, as peft noted it."""
    updates: Mapping[str, LowRank]
    score: TensorLocation | None
    """The head of a classifier."""


def read_adapter(directory: Path) -> Adapter:
    """Read an adapter's settings and find its tensors; raises ModelError for what cannot be folded in here."""
    path = directory / ADAPTER_CONFIG
    settings = read_json(path)
    for refused in _refusals(settings):
        raise ModelError(f"{path}: {refused}; merge it with peft (merge_and_unload) and give the merged model")
    base = settings.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ModelError(f"{path}: base_model_name_or_path names no model; write the adapted model's name there")
    weights = directory / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise ModelError(f"{directory}: has no {ADAPTER_WEIGHTS}; save the adapter again as safetensors")
    tensors = {_short(name): place for name, place in read_header(weights).items()}
    score = tensors.pop(SCORE, None)
    if score is not None:
        _require_matrix(SCORE, score, weights)
    updates = dict(_updates(tensors, _Scaling(settings=settings, path=path), weights))
    if not updates:
        raise ModelError(f"{weights}: holds no matrices of an adapter; train it again")
    if score is None and settings.get("task_type") == "SEQ_CLS":
        raise ModelError(f"{weights}: lacks {SCORE}, which a classifier needs; train it again")
    return Adapter(directory=directory, base=base, updates=updates, score=score)


def _refusals(settings: JsonObject) -> Iterator[str]:
    """Yield what a setting asks for that is not done here."""
    peft_type = settings.get("peft_type")
    if peft_type != "LORA":
        yield f"peft_type is {peft_type!r}, and only LORA runs here"
    for name in _REFUSED:
        if settings.get(name):
            yield f"{name} is set, which does not run here"
    if settings.get("bias", "none") != "none":
        yield f"bias is {settings['bias']!r}, and only 'none' runs here"
    initialization = settings.get("init_lora_weights", True)
    if not isinstance(initialization, bool) and initialization not in _INITIALIZATIONS:
        yield f"init_lora_weights is {initialization!r}, which changes the base model's weights"
    saved = settings.get("modules_to_save") or []
    others = [name for name in saved if name not in ("score", "classifier")] if isinstance(saved, list) else [saved]
    if others:
        yield f"modules_to_save has {others[0]!r}, and only 'score' runs here"
    if settings.get("revision") not in (None, "main"):
        yield f"revision is {settings['revision']!r}, and only a base model's main revision runs here"


def _short(name: str) -> str:
    """Return a tensor's name without what peft and transformers put in front."""
    return name.removeprefix("base_model.model.").removeprefix("transformer.")


def _updates(tensors: Mapping[str, TensorLocation], scaling: "_Scaling", path: Path) -> Iterator[tuple[str, LowRank]]:
    """Pair the matrices; raises ModelError for a tensor that is no such matrix, or lacks its other one."""
    pairs: dict[str, dict[str, TensorLocation]] = {}
    for name, place in tensors.items():
        found = _MATRIX.fullmatch(name)
        if found is None or not _MODULE.fullmatch(found[1]):
            raise ModelError(f"{path}: adapts {name}; here only a layer's c_attn, c_proj and c_fc can be adapted")
        _require_matrix(name, place, path)
        pairs.setdefault(found[1], {})[found[2]] = place
    for module, pair in pairs.items():
        if set(pair) != {"A", "B"} or pair["A"].shape[0] != pair["B"].shape[1] or not pair["A"].shape[0]:
            raise ModelError(f"{path}: the matrices of {module} do not go together; download or train it again")
        factor = scaling.of(module, rank=pair["A"].shape[0])
        yield f"{module}.weight", LowRank(a=pair["A"], b=pair["B"], scaling=factor)


def _require_matrix(name: str, place: TensorLocation, path: Path) -> None:
    """Raise ModelError for a tensor that is no matrix of numbers."""
    if place.dtype not in STORED_DTYPES or len(place.shape) != 2:
        raise ModelError(f"{path}: {name} is {place.dtype} of shape {place.shape}, not a matrix of an adapter")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scaling:
    """How strongly each module is changed, by the settings."""

    settings: JsonObject
    path: Path

    def of(self, module: str, *, rank: int) -> float:
        """Return the factor of a module's update; raises ModelError where the settings do not fit its rank."""
        said = self._number("r", "rank_pattern", module)
        if said != rank:
            raise ModelError(f"{self.path}: says rank {said:g} for {module}, whose matrices have {rank}")
        alpha = self._number("lora_alpha", "alpha_pattern", module)
        return alpha / (math.sqrt(rank) if self.settings.get("use_rslora") else rank)

    def _number(self, name: str, pattern_name: str, module: str) -> float:
        """Return a setting, or what its table of patterns has for the module: the first that matches its end."""
        value = self.settings.get(name)
        patterns = self.settings.get(pattern_name) or {}
        for pattern, other in patterns.items() if isinstance(patterns, dict) else ():
            try:
                matches = re.match(rf"(.*\.)?({pattern})$", f"transformer.{module}")
            except re.error as error:
                raise ModelError(f"{self.path}: {pattern_name} has {pattern!r}, no pattern ({error})") from error
            if matches:
                value = other
                break
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ModelError(f"{self.path}: {name} must be a number, not {value!r}")
        return value
