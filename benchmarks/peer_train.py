"""What people have today: transformers' Trainer, used as its examples run_classification and run_clm use it.

    python benchmarks/peer_train.py classify MODEL DATA RESULT [--pad-to-max-length] [--dev FILE] ...
    python benchmarks/peer_train.py rows MODEL DATA RESULT ...      language modelling, a row a sequence, padded
    python benchmarks/peer_train.py blocks MODEL DATA RESULT ...    language modelling, rows joined and cut into blocks

DATA is a .csv or .tsv with a column "text", and "label" for classify. RESULT gets one JSON object: for each step its
real tokens and the seconds at its end; the seconds of reading and tokenizing; the accuracies on the dev file.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
    set_seed,
)


def main() -> None:
    """Train as the arguments say and write down what was seen."""
    options = _options()
    set_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # GPT-2 has none, and the examples stop without one
    start = time.perf_counter()
    raw = _read(options)
    read, busy = time.perf_counter(), time.process_time()
    data, labels = (_classified if options.task == "classify" else _modelled)(raw, tokenizer, options)
    result: dict[str, Any] = {
        "rows": len(data["train"]),
        "reading_seconds": read - start,
        "tokenizing_seconds": time.perf_counter() - read,
        "tokenizing_cpu_seconds": time.process_time() - busy,
    }
    if options.max_steps != 0:
        result |= _train(data, labels, tokenizer, options)
    Path(options.result).write_text(json.dumps(result), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("classify", "rows", "blocks"))
    for name in ("model", "data", "result"):
        parser.add_argument(name)
    parser.add_argument("--dev")
    parser.add_argument("--pad-to-max-length", action="store_true", help="the default of run_classification")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-steps", type=int, default=-1, help="0 tokenizes only")
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--warmup", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--schedule", default="linear")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def _read(options: argparse.Namespace) -> datasets.DatasetDict:
    """Read the files; the examples take commas only, a tab is one argument more."""
    files = {"train": options.data} | ({"validation": options.dev} if options.dev else {})
    return datasets.load_dataset("csv", data_files=files, delimiter="\t" if options.data.endswith(".tsv") else ",")


def _classified(
    raw: datasets.DatasetDict, tokenizer: Any, options: argparse.Namespace
) -> tuple[datasets.DatasetDict, list[str]]:
    """Tokenize each text by itself and number the labels in their order."""
    labels = sorted(raw["train"].unique("label"))
    numbers = {label: number for number, label in enumerate(labels)}

    def tokenized(rows: dict[str, list[Any]]) -> dict[str, Any]:
        padding = "max_length" if options.pad_to_max_length else False
        encoded = tokenizer(rows["text"], padding=padding, max_length=options.max_length, truncation=True)
        return {**encoded, "labels": [numbers[label] for label in rows["label"]]}

    return raw.map(tokenized, batched=True, remove_columns=raw["train"].column_names), labels


def _modelled(
    raw: datasets.DatasetDict, tokenizer: Any, options: argparse.Namespace
) -> tuple[datasets.DatasetDict, list[str]]:
    """Tokenize the texts, and for blocks join a thousand of them at a time and cut what that gives."""
    cut = {} if options.task == "blocks" else {"max_length": options.max_length, "truncation": True}
    columns = raw["train"].column_names
    data = raw.map(lambda rows: tokenizer(rows["text"], **cut), batched=True, remove_columns=columns)

    def grouped(rows: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
        joined = {key: list(chain.from_iterable(lists)) for key, lists in rows.items()}
        whole = len(joined["input_ids"]) // options.max_length * options.max_length
        starts = range(0, whole, options.max_length)
        blocks = {key: [tokens[at : at + options.max_length] for at in starts] for key, tokens in joined.items()}
        return {**blocks, "labels": [list(block) for block in blocks["input_ids"]]}

    return (data.map(grouped, batched=True) if options.task == "blocks" else data), []


def _train(
    data: datasets.DatasetDict, labels: list[str], tokenizer: Any, options: argparse.Namespace
) -> dict[str, Any]:
    """Train, save, and return what each step took and each evaluation found."""
    collator, clock = Counting(_collator(tokenizer, options)), Clock()
    with tempfile.TemporaryDirectory() as output:
        trainer = Trainer(
            model=_model(labels, tokenizer, options),
            args=_training_arguments(output, options),
            train_dataset=data["train"],
            eval_dataset=data.get("validation"),
            processing_class=tokenizer,
            data_collator=collator,
            compute_metrics=_accuracy if options.dev else None,
            callbacks=[clock],
        )
        trainer.train()
        trainer.save_model()
    return {
        "tokens": collator.tokens[: len(clock.seconds)],
        "seconds": clock.seconds,
        "accuracies": [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry],
    }


def _collator(tokenizer: Any, options: argparse.Namespace) -> Callable[[list[Any]], dict[str, Any]]:
    if options.task == "rows":
        return DataCollatorForLanguageModeling(tokenizer, mlm=False)
    if options.task == "blocks" or options.pad_to_max_length:
        return default_data_collator
    return DataCollatorWithPadding(tokenizer)


def _model(labels: list[str], tokenizer: Any, options: argparse.Namespace) -> Any:
    """Open the model in float32, as the examples do for one that is saved so."""
    if not labels:
        return AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model,
        dtype=torch.float32,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    return model


def _training_arguments(output: str, options: argparse.Namespace) -> TrainingArguments:
    """Return the defaults of the examples, but for what the benchmark settles and checkpoints that it does not time."""
    return TrainingArguments(
        output_dir=output,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=32,
        max_steps=options.max_steps,
        num_train_epochs=options.epochs,
        learning_rate=options.lr,
        lr_scheduler_type=options.schedule,
        warmup_steps=options.warmup,  # below 1 it is a part of the run
        weight_decay=options.weight_decay,
        seed=options.seed,
        use_cpu=True,
        save_strategy="no",
        eval_strategy="steps" if options.dev else "no",
        eval_steps=0.1,
        disable_tqdm=True,
        report_to="none",
    )


def _accuracy(predicted: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((np.argmax(predicted.predictions, axis=1) == predicted.label_ids).mean())}


class Counting:
    """A collator that also counts the real tokens of its batches."""

    def __init__(self, collate: Callable[[list[Any]], dict[str, Any]]) -> None:
        self._collate = collate
        self.tokens: list[int] = []

    def __call__(self, rows: list[Any]) -> dict[str, Any]:
        """Make a batch."""
        batch = self._collate(rows)
        self.tokens.append(int(batch["attention_mask"].sum()))
        return batch


class Clock(TrainerCallback):
    """Notes the time at the end of each step, from the start of training."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start."""
        self._start = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note a step."""
        self.seconds.append(time.perf_counter() - self._start)


if __name__ == "__main__":
    main()
