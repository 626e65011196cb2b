"""What the task generate writes for the fields of a completion's request: the oracle of a server's texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.serving.schemas.completions import DEFAULT_MAX_TOKENS
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion
from gptcli.tasks.generate import generate


def written(prompts: Sequence[str], seed: int, samples: int, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the text of each sample of each row that the task writes, and why it ended."""
    fields = {"max_tokens": DEFAULT_MAX_TOKENS, **options}
    stop, bias = tuple(fields.pop("stop", ())), tuple(fields.pop("logit_bias", {}).items())
    config = GenerateConfig(
        records=[Record(source="in", line=row + 1, columns={"prompt": text}) for row, text in enumerate(prompts)],
        seed=seed,
        model=ModelOptions(model="builtin", device="cpu"),
        sampling=SamplingOptions(max_new_tokens=fields.pop("max_tokens"), stop=stop, **fields),
        num_samples=samples,
        logit_bias=bias,
    )
    found = [event for event in generate(config) if isinstance(event, Completion)]
    return [(one.text, "length" if one.finish_reason == "length" else "stop") for one in found]
