"""Models on the device under test, ours and transformers', opened once for all tests."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gptcli.checkpoint.locate import Located
from gptcli.engine.options import ModelOptions

DEVICE = os.environ.get("GPTCLI_TEST_DEVICE", "cuda")
"""Where the tests compute; with cpu all but the device itself can be tried on any machine."""
IS_GPU = DEVICE.startswith("cuda")


def options(dtype: str = "float32", batch_size: int | None = 8) -> ModelOptions:
    """Return the options of the torch backend on the device."""
    return ModelOptions(device=DEVICE, backend="torch", dtype=dtype, batch_size=batch_size)  # type: ignore[arg-type]


def located(directory: Path) -> Located:
    """Return a model's place."""
    return Located(name=directory.name, directory=directory)


@cache
def reference(directory: Path) -> Any:
    """Return transformers' language model in float32 on the device."""
    import torch
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model: Any = GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32)
    return model.to(DEVICE).eval()


def reference_tokens(directory: Path, prompt: Sequence[int], **generation: Any) -> list[list[int]]:
    """Return the new tokens of transformers' generate for one prompt, up to and with the end-of-text token."""
    import torch

    model = reference(directory)
    eos = model.generation_config.eos_token_id
    settled = {"do_sample": False, "num_beams": 1, "pad_token_id": eos, **generation}
    ids = torch.tensor([list(prompt)], device=DEVICE)
    with torch.no_grad():
        output = model.generate(ids, attention_mask=torch.ones_like(ids), **settled)
    rows = [row[len(prompt) :].tolist() for row in output]
    return [row[: row.index(eos) + 1] if eos in row else row for row in rows]
