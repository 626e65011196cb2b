"""Perplexity of WikiText-2's test text with a stride, beside the loop of the Transformers documentation.

    python benchmarks/perplexity.py [--tokens N] [--context N] [--stride N] [--runs N] [-m DIR]

Whole processes in turn: start, tokenization and scoring. Each window is of `context` tokens and begins `stride` tokens
behind the last one; its tokens that no window before has scored are scored. Both ways must find the same perplexity,
to a relative 1e-4. The whole text is 287,644 tokens of GPT-2's vocabulary; --tokens takes the first of them.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import measure
import numpy as np

AGREEMENT = 1e-4
"""The relative difference between two perplexities of the same text that rounding explains."""
SOURCE = measure.SHARED / "data" / "wikitext-2" / "wiki.test.raw"
WAYS = {"transformers, the documentation's loop": "transformers", "gptcli float32": "gptcli"}


def main() -> None:
    """Measure and report, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=16_384)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--stride", type=int, default=512)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("-m", "--model", type=Path, help="a checkpoint's directory instead of a random GPT-2 of 124M")
    parser.add_argument("--way", choices=WAYS.values(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not SOURCE.is_file():
        raise SystemExit(f"no {SOURCE}: set GPTCLI_SHARED to the directory of shared data")
    if arguments.way:
        nats, count = by_transformers(arguments) if arguments.way == "transformers" else by_gptcli(arguments)
        print(json.dumps({"perplexity": math.exp(nats / count), "tokens": count}))
        return
    with nullcontext(arguments.model) if arguments.model else measure.random_gpt2() as directory:
        options = ["-m", str(directory)]
        for name in ("tokens", "context", "stride"):
            options += [f"--{name}", str(getattr(arguments, name))]
        found = measure.in_turn(
            {name: lambda way=way: process([*options, "--way", way]) for name, way in WAYS.items()},
            arguments.runs,
            warm_up=0,
        )
    measure.report(f"perplexity: wiki.test.raw, context {arguments.context}, stride {arguments.stride}", rows(found))


def process(options: list[str]) -> dict[str, Any]:
    """Run one way in a process of its own; return what it found and how long it took."""
    # A limit on threads that is meant for something else would hold back one side only.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, __file__, *options]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout) | {"seconds": seconds, "cpu_seconds": cpu_seconds}


def rows(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the table; stop where both ways do not find the same perplexity."""
    peer, ours = found.values()
    for their, our in zip(peer, ours, strict=True):
        if not math.isclose(our["perplexity"], their["perplexity"], rel_tol=AGREEMENT):
            raise SystemExit(f"the perplexities differ: {our['perplexity']} is not {their['perplexity']}")
    return [
        {
            "way": name,
            "perplexity": round(results[0]["perplexity"], 3),
            "tokens scored": results[0]["tokens"],
            "seconds": measure.median([each["seconds"] for each in results]),
            "speed": ratio(peer, results, "seconds"),
            "CPU seconds": measure.median([each["cpu_seconds"] for each in results]),
            "speed by CPU": ratio(peer, results, "cpu_seconds"),
        }
        for name, results in found.items()
    ]


def ratio(peer: list[dict[str, Any]], results: list[dict[str, Any]], unit: str) -> float:
    """Return how many times faster results came than the peer's; on a busy machine only the CPU's time tells."""
    return measure.paired_ratio([each[unit] for each in peer], [each[unit] for each in results])


def windows(count: int, context: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Yield where each window begins and ends, and from where on its tokens are scored; the text's first never is."""
    scored = 1
    for begin in range(0, count, stride):
        end = min(begin + context, count)
        yield begin, end, scored
        if end == count:
            return
        scored = end


def by_transformers(arguments: argparse.Namespace) -> tuple[float, int]:
    """Return the summed negative log-likelihood and how many tokens it is of, one window a pass."""
    import torch
    from transformers import GPT2LMHeadModel, GPT2TokenizerFast
    from transformers.utils import logging

    logging.set_verbosity_error()
    model = GPT2LMHeadModel.from_pretrained(arguments.model).eval()
    tokenizer = GPT2TokenizerFast.from_pretrained(arguments.model)
    ids = tokenizer(SOURCE.read_text(encoding="utf-8"), return_tensors="pt").input_ids[:, : arguments.tokens]
    nats, count = 0.0, 0
    for begin, end, scored in windows(ids.shape[1], arguments.context, arguments.stride):
        labels = ids[:, begin:end].clone()
        labels[:, : scored - begin] = -100
        with torch.no_grad():
            loss = model(ids[:, begin:end], labels=labels).loss
        nats += float(loss) * (end - scored)
        count += end - scored
    return nats, count


def by_gptcli(arguments: argparse.Namespace) -> tuple[float, int]:
    """Return the same through gptcli's scorer."""
    from gptcli.checkpoint.locate import Located
    from gptcli.engine.likelihood import scores_in_order
    from gptcli.engine.options import ModelOptions
    from gptcli.engine.scorer import Item, Span, load_scorer

    located = Located(name="model", directory=arguments.model)
    model = load_scorer(located, ModelOptions(device="cpu"))
    ids = np.array(model.tokenizer.encode(SOURCE.read_text(encoding="utf-8"))[: arguments.tokens], np.int32)
    items = (
        Item(key=number, spans=(Span(tokens=ids[begin:end], start=scored - begin),))
        for number, (begin, end, scored) in enumerate(windows(len(ids), arguments.context, arguments.stride))
    )
    logprobs = np.concatenate([item.spans[0].logprobs for item in scores_in_order(model.scorer, items)])
    return -float(logprobs.sum(dtype=np.float64)), len(logprobs)


if __name__ == "__main__":
    main()
