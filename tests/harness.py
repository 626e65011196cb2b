"""lm-evaluation-harness, as an oracle: its models around ours."""

import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.decoding import reference


def imported(name: str) -> ModuleType:
    """Import a module of lm_eval, whose own imports warn of what is no business of ours."""
    from importlib import import_module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


@cache
def harness_model(directory: Path) -> Any:
    """Return the harness's own wrapper of transformers' model and tokenizer."""
    from transformers import GPT2Tokenizer

    wrapper = imported("lm_eval.models.huggingface").HFLM
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wrapper(
            pretrained=reference(directory),
            tokenizer=GPT2Tokenizer.from_pretrained(directory),
            batch_size=4,
            device="cpu",
        )


def rolling_loglikelihoods(directory: Path, texts: list[str]) -> list[float]:
    """Return what the harness says of whole texts."""
    instance = imported("lm_eval.api.instance").Instance
    requests = [
        instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=number)
        for number, text in enumerate(texts)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: list[float] = harness_model(directory).loglikelihood_rolling(requests, disable_tqdm=True)
    return found


def task_results(directory: Path, tasks: Path, *names: str) -> dict[str, dict[str, float]]:
    """Return the harness's figures of tasks whose files are in a directory, by its own wrapper of a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        manager = imported("lm_eval.tasks").TaskManager(include_path=str(tasks), include_defaults=False)
        loaded = manager.load(list(names))
        for task in loaded["tasks"].values():
            task.set_config(key="num_fewshot", value=0)
        # Not simple_evaluate, which also starts programs that describe this machine.
        found: dict[str, dict[str, float]] = imported("lm_eval.evaluator").evaluate(
            lm=harness_model(directory), task_dict=loaded, bootstrap_iters=0, log_samples=False
        )["results"]
    return found
