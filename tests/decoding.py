"""Run token prompts through the engine, and through transformers, for comparison."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gptcli.checkpoint.locate import Located
from gptcli.engine.ban import BanTable
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.request import Finished, Request
from gptcli.engine.sampling import Sampler
from gptcli.engine.stream import in_order


@cache
def loaded(directory: Path, backend: str, batch_size: int = 8, dtype: str = "float32") -> LoadedModel:
    """Return a model, opened once for all tests."""
    options = ModelOptions(device="cpu", backend=backend, batch_size=batch_size, dtype=dtype)  # type: ignore[arg-type]
    return load_model(Located(name=directory.name, directory=directory), options, least_slots=1)


def requests(
    model: LoadedModel,
    prompts: Sequence[Sequence[int]],
    options: SamplingOptions,
    *,
    samples: int = 1,
    seed: int = 0,
    first_key: int = 0,
    first_row: int = 0,
    slide: bool = False,
) -> list[Request]:
    """Return a request for each prompt, limited as the command limits them."""
    vocabulary = [model.tokenizer.token_bytes(token) for token in range(model.config.vocab_size)]
    ban = BanTable([text.encode() for text in options.ban], vocabulary) if options.ban else None
    sampler = Sampler(options=options, eos_token_ids=model.config.eos_token_ids, ban=ban)
    return [
        Request(
            key=key,
            row=row,
            prompt=tuple(prompt),
            sampler=sampler,
            samples=samples,
            seed=seed,
            token_limit=min(
                options.token_limit(len(prompt)),
                10**9 if slide else model.config.n_positions - len(prompt) + 1,
            ),
            slide=slide,
        )
        for row, (key, prompt) in enumerate(enumerate(prompts, first_key), first_row)
    ]


def decode(
    model: LoadedModel, prompts: Sequence[Sequence[int]], options: SamplingOptions, **how: Any
) -> list[Finished]:
    """Return every finished sample in the order in which the engine gives them back."""
    items = in_order(model.engine, requests(model, prompts, options, **how))
    return [item for item in items if isinstance(item, Finished)]


@cache
def reference(directory: Path) -> Any:
    """Return transformers' model in float32, opened once for all tests."""
    import torch
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32).eval()


def reference_tokens(directory: Path, prompt: Sequence[int], **generation: Any) -> list[list[int]]:
    """Return the new tokens of transformers' generate for one prompt, up to and with the end-of-text token."""
    import torch

    model = reference(directory)
    eos = model.generation_config.eos_token_id
    settings = {"do_sample": False, "num_beams": 1, "pad_token_id": eos, **generation}
    with torch.no_grad():
        output = model.generate(
            torch.tensor([list(prompt)]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            **settings,
        )
    rows = [row[len(prompt) :].tolist() for row in output]
    return [row[: row.index(eos) + 1] if eos in row else row for row in rows]
