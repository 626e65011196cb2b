"""What --dtype int8 costs in quality: perplexity of WikiText-2's test text under the built-in model, beside float32.

    python benchmarks/int8.py [--characters N] [-m DIR]

Windows of the model's context without overlap and without a beginning-of-text token. Perplexity is a token's,
bits are a byte's, and the interval is of the paired difference over windows (1.96 standard errors).
"""

import argparse
import math
from pathlib import Path

import measure
import numpy as np

from gptcli.checkpoint.locate import Located, locate
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import DType, ModelOptions
from gptcli.engine.scorer import Item, Span, load_scorer


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=1_300_000)
    parser.add_argument("-m", "--model", default="builtin")
    arguments = parser.parse_args()
    source = measure.SHARED / "data" / "wikitext-2" / "wiki.test.raw"
    if not source.is_file():
        raise SystemExit(f"no {source}: set GPTCLI_SHARED to the directory of shared data")
    text = source.read_text(encoding="utf-8")[: arguments.characters]
    located = locate(arguments.model, on_progress=lambda *_: None)
    scores = {dtype: window_scores(located, dtype, text) for dtype in ("float32", "int8")}
    tokens, size = sum(map(len, scores["float32"])), len(text.encode())
    rows = []
    for dtype, windows in scores.items():
        total = -sum(float(window.sum(dtype=np.float64)) for window in windows)
        rows.append(
            {
                "numbers": dtype,
                "perplexity": round(math.exp(total / tokens), 4),
                "bits a byte": round(total / math.log(2) / size, 5),
                "tokens": tokens,
            }
        )
    differences = np.array([a.mean() - b.mean() for a, b in zip(scores["float32"], scores["int8"], strict=True)])
    mean, error = differences.mean(), 1.96 * differences.std(ddof=1) / math.sqrt(len(differences))
    cost = f"{100 * math.expm1(mean):+.3f} % (+- {100 * error:.3f})"
    rows.append({"numbers": "cost of int8", "perplexity": cost})
    measure.report(f"int8: {Path(located.directory).name} on WikiText-2 test", rows)


def window_scores(located: Located, dtype: DType, text: str) -> list[np.ndarray]:
    """Return the log probabilities of the tokens of each window but its first."""
    model = load_scorer(located, ModelOptions(device="cpu", dtype=dtype))
    tokens = np.array(model.tokenizer.encode(text), np.int32)
    windows = np.split(tokens, range(model.config.n_positions, len(tokens), model.config.n_positions))
    items = (
        Item(key=number, spans=(Span(tokens=window, start=1),))
        for number, window in enumerate(windows)
        if len(window) > 1
    )
    return [item.spans[0].logprobs for item in scores_in_order(model.scorer, items)]


if __name__ == "__main__":
    main()
