"""README.md of a tuned model: what it was made from and on, how good it is, and how to use it.

A pure function of facts, none of them a date or a duration: the same run writes the same card.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gptcli.data.labels import LabelKind
from gptcli.data.roles import Task
from gptcli.data.words import counted
from gptcli.training.config_file import Value
from gptcli.training.cut import Cut
from gptcli.training.markdown import code, fence, plain, table

FILE_NAME = "README.md"

MOST_LABELS = 50
"""Labels that are listed; the rest is counted."""
LEARNED_TO_STOP = 0.1
"""Mean probability of the end mark at true ends below which a model is said not to stop by itself."""
_PEFT_CLASSIFIER = """\
from peft import PeftConfig, PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

config = AutoConfig.from_pretrained({where})  # the labels
base = PeftConfig.from_pretrained({where}).base_model_name_or_path
model = AutoModelForSequenceClassification.from_pretrained(base, config=config)
adapted = PeftModel.from_pretrained(model, {where}).merge_and_unload()
model = pipeline('text-classification', model=adapted, tokenizer=AutoTokenizer.from_pretrained({where}))
{call}"""
_PATHS = ("paths", "validation", "model", "tokenizer")
"""Options that may be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What a model was tuned on."""

    files: tuple[str, ...]
    train: int
    validation: int
    split: str
    """How validation rows were chosen: "--validation-split 0.1, by a hash of each row"."""
    unreadable: int
    empty: int
    duplicates: int
    leaked: int
    digest: str
    labels: tuple[tuple[str, int], ...] = ()
    """Each label and its training rows, in the order of id2label."""
    cut: Cut
    """Training rows that were longer than --max-length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """All that a card says."""

    name: str
    """Of the output directory."""
    command: Literal["finetune", "pretrain"] = "finetune"
    task: Task
    base_model: str | None
    """As the person named it; None for a model trained from scratch."""
    base_model_id: str | None = None
    """Its name on the Hub, where it has one."""
    adapter: bool = False
    """Whether it is saved as a LoRA adapter."""
    parameters: int
    trainable: int
    data: DataFacts
    label_kind: LabelKind | None = None
    options: Mapping[str, Mapping[str, Value | None]]
    """The tables of training.toml."""
    metrics: Mapping[str, float]
    """On the validation rows, of the weights that were saved."""
    steps: int
    best_step: int | None
    """The step whose weights these are, where it is not the last."""
    tokens: int
    reason: str
    """Why it ended."""
    template: str | None = None
    example: str | None
    """What a person may give the model; None where that is rows of several columns."""
    example_prompt: str | None = None
    """The same with the template filled in: what the model reads."""
    eos_probability: float | None = None
    """Mean probability of the end mark at true ends of validation rows."""


def render_card(facts: CardFacts) -> str:
    """Return the card as Markdown with the front matter that the Hub reads."""
    parts = [
        _front_matter(facts),
        f"# {plain(facts.name)}\n\n{_summary(facts)}",
        "## Use\n\n" + _usage(facts),
        "## Data\n\n" + table(("", ""), _data_rows(facts.data)) + _labels(facts.data.labels),
        "## Result\n\n" + _result(facts),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in _limits(facts)),
        "## Options\n\n" + _options(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: CardFacts) -> str:
    """Return the metadata; every text is quoted as JSON, which YAML reads as it is."""
    lines = [f"library_name: {'peft' if facts.adapter else 'transformers'}"]
    lines.append(f"pipeline_tag: {'text-classification' if facts.task == 'classify' else 'text-generation'}")
    if facts.base_model_id is not None:
        lines.append(f"base_model: {json.dumps(facts.base_model_id)}")
        lines.append(f"base_model_relation: {'adapter' if facts.adapter else 'finetune'}")
    tags = ["gpt2", "gptcli", *(["lora"] if facts.adapter else [])]
    lines += ["tags:", *(f"- {tag}" for tag in tags)]
    return "\n".join(["---", *lines, "---"])


def _summary(facts: CardFacts) -> str:
    does = {
        "lm": "writes on from a text",
        "complete": "completes a prompt",
        "classify": "gives a text a number" if facts.label_kind == "regression" else "labels a text",
    }[facts.task]
    kind = "A LoRA adapter for GPT-2" if facts.adapter else "A GPT-2"
    made = "trained from scratch" if facts.base_model is None else f"tuned from {code(facts.base_model)}"
    size = f"{facts.parameters:,} parameters"
    if facts.trainable != facts.parameters:
        size += f", {facts.trainable:,} of them trained"
    return f"{kind} that {does}, {made} with `gptcli {facts.command}`; {size}."


def _usage(facts: CardFacts) -> str:
    command = "classify" if facts.task == "classify" else "generate"
    where = shlex.quote(f"./{facts.name}")
    given = "-i rows.csv" if facts.example is None else shlex.quote(facts.example)
    shell = fence(f"gptcli {command} -m {where} {given}", "sh")
    parts = [shell]
    if facts.template is not None:
        parts.append("It was tuned on rows filled into this template, as gptcli does with what you give it:")
        parts.append(fence(facts.template, "text"))
    if facts.example_prompt is not None:
        parts.append("So the model reads, and other software has to give it:\n\n" + fence(facts.example_prompt, "text"))
    return "\n\n".join([*parts, "With transformers" + (" and peft:" if facts.adapter else ":"), _python(facts)])


def _python(facts: CardFacts) -> str:
    prompt = (facts.example or "") if facts.example_prompt is None else facts.example_prompt
    where = f"./{facts.name}"
    if facts.task == "classify":
        call = f"model({prompt!r}{', top_k=None' * (facts.label_kind == 'multi')})"
        if facts.adapter:
            return fence(_PEFT_CLASSIFIER.format(where=repr(where), call=call), "python")
        pipeline = "text-classification"
    else:
        pipeline, call = "text-generation", f"model({prompt!r}, max_new_tokens=50)[0]['generated_text']"
    load = f"model = pipeline({pipeline!r}, model={where!r})"
    return fence(f"from transformers import pipeline\n\n{load}\n{call}", "python")


def _data_rows(data: DataFacts) -> Iterator[tuple[str, str]]:
    yield "files", ", ".join(map(code, data.files))
    yield "rows to train on", f"{data.train:,}"
    yield "rows to validate with", f"{data.validation:,} ({plain(data.split)})"
    for name, count in {
        "unreadable, left out": data.unreadable,
        "empty, left out": data.empty,
        "duplicates in the training rows": data.duplicates,
        "validation rows that also stand in the training rows": data.leaked,
    }.items():
        yield name, f"{count:,}"
    yield "longer than `--max-length`", data.cut.told(data.cut.rows)
    yield "BLAKE2b hash of the rows and their split", code(data.digest)


def _labels(labels: Sequence[tuple[str, int]]) -> str:
    if not labels:
        return ""
    rows = [(code(label), f"{count:,}") for label, count in labels[:MOST_LABELS]]
    if len(labels) > MOST_LABELS:
        rest = labels[MOST_LABELS:]
        rows.append((f"{len(rest):,} more", f"{sum(count for _, count in rest):,}"))
    return "\n\n" + table(("label", "training rows"), rows)


def _result(facts: CardFacts) -> str:
    ended = f"{counted(facts.steps, 'step')}, {facts.tokens:,} tokens; why it ended: {plain(facts.reason)}."
    if facts.best_step is not None and facts.best_step != facts.steps:
        ended += f" These are the weights of step {facts.best_step:,}, the best on the validation rows."
    if not facts.metrics:
        return ended + " No row was held out, so nothing was measured."
    rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in facts.metrics.items()]
    return ended + "\n\n" + table(("on the validation rows", ""), rows)


def _limits(facts: CardFacts) -> Iterator[str]:
    data = facts.data
    if facts.eos_probability is not None:
        share = f"{facts.eos_probability:.1%}"
        yield f"At the true ends of validation rows it gives the end mark a probability of {share} on average." + (
            " It has not learned to stop: limit what it writes with `--max-new-tokens`."
            if facts.eos_probability < LEARNED_TO_STOP
            else ""
        )
    if data.cut.tokens:
        rows, tokens = data.cut.told(data.cut.rows), data.cut.told(data.cut.tokens)
        yield f"Of the training rows {rows} were longer than `--max-length`; {tokens} of their tokens were not learned."
    if data.leaked:
        yield f"Validation rows that also stand in the training rows: {data.leaked:,}. The result flatters the model."
    if facts.label_kind == "regression":
        yield "It gives a number to any text at all."
    elif facts.task == "classify":
        yield "It knows only the labels above, and judges any text at all by them."
    else:
        yield "What it writes may be wrong, and may repeat its training data word for word."
    yield "It has the biases of its training data and of the model it comes from; it is meant for texts like those."


def _options(facts: CardFacts) -> str:
    again = f"gptcli {facts.command} --config training.toml"
    rows = [
        (f"`{group}`", f"`{name}`", code(_option(name, value)))
        for group, options in facts.options.items()
        for name, value in options.items()
        if value is not None
    ]
    return f"`{again}` repeats the run.\n\n" + table(("table", "option", "value"), rows)


def _option(name: str, value: Value) -> str:
    """Return an option's value; of a path the name alone, for a card is published and a home directory is not."""
    if isinstance(value, str):
        return Path(value).name if name in _PATHS and Path(value).is_absolute() else value
    if isinstance(value, Sequence):
        value = [_option(name, one) if isinstance(one, str) else one for one in value]
    return json.dumps(value, ensure_ascii=False)
