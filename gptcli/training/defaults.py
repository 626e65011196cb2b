"""What the user left open, settled by the task and the model. Imports nothing heavy."""

from collections.abc import Mapping
from typing import Any

from gptcli.checkpoint.config import ModelConfig
from gptcli.data.roles import Task
from gptcli.errors import ConfigError
from gptcli.training.options import TrainingOptions
from gptcli.training.sizes import Size

TUNED_LR, TUNED_WIDTH = 5e-5, 768
"""transformers' rate for tuning, at the width of the smallest GPT-2; the rate goes with 1 / width squared, since
narrower models bear and need a higher one: 2e-4 for the built-in model's 384."""
LORA_LR_FACTOR = 4
"""Adapters start from nothing: Hu et al. (2021) tuned GPT-2 with 2e-4."""
CLASSIFY_BATCH = 16
"""Texts to label are short."""
ENDS = ("epochs", "max_steps", "max_tokens", "max_time")
"""A run for which one of these is given ends by what is given alone."""
_DEFAULT_OVERFLOW = TrainingOptions().overflow
"""What pretrain's training.toml says too."""


def finetune_options(given: Mapping[str, Any], task: Task, config: ModelConfig) -> TrainingOptions:
    """Return the options of a run that tunes a model; raises ConfigError."""
    lr = TUNED_LR * (TUNED_WIDTH / config.n_embd) ** 2
    if given.get("lora") is not None:
        lr *= LORA_LR_FACTOR
    chosen: dict[str, Any] = {"lr": float(f"{lr:.2g}"), "overflow": "split" if task == "lm" else "truncate"}
    if task == "classify":
        chosen["batch_size"] = CLASSIFY_BATCH
    options = TrainingOptions(**{**chosen, **_ends(given), **given})
    _refuse(options, task, config)
    return options


def pretrain_options(given: Mapping[str, Any], size: Size) -> TrainingOptions:
    """Return the options of a run that trains a new model; raises ConfigError."""
    chosen = {
        "epochs": 1.0,
        "lr": size.lr,
        "optimizer": "muon",
        "schedule": "wsd",
        "warmup": 0.02,
        "weight_decay": 0.1,  # Brown et al. (2020)
        "batch_size": 16,
        "dropout": 0.0,  # a token is seen once or twice: nothing to overfit
        "eval_every": 0.1,
        "save_every": 0.05,
    }
    options = TrainingOptions(**{**chosen, **_ends(given), **given})
    idle = {"--packing": options.packing, "--lora": options.lora, "--freeze": options.freeze}
    for name, value in {**idle, "--overflow": options.overflow != _DEFAULT_OVERFLOW}.items():
        if value:
            raise ConfigError(f"{name} does not go with pretrain, whose model is new and whose sequences are full")
    _refuse_longer(options, size.n_positions)
    return options


def _ends(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"epochs": None} if any(given.get(name) is not None for name in ENDS[1:]) else {}


def _refuse(options: TrainingOptions, task: Task, config: ModelConfig) -> None:
    """Raise ConfigError for what does not go with the task or the model."""
    if task == "classify" and options.packing:
        raise ConfigError("--packing does not go with --task classify: no row is padded anyway")
    if task != "lm" and options.overflow == "split":
        raise ConfigError(f"--overflow split would part a row of --task {task} from its end: give truncate or drop")
    if task == "classify" and options.sample_prompt is not None:
        raise ConfigError("--sample-prompt does not go with --task classify, whose model writes nothing")
    _refuse_longer(options, config.n_positions)
    if options.freeze > config.n_layer:
        raise ConfigError(f"--freeze must be at most {config.n_layer}, the model's layers")


def _refuse_longer(options: TrainingOptions, context: int) -> None:
    if options.max_length is not None and options.max_length > context:
        raise ConfigError(f"--max-length must be at most {context}, the model's context")
