"""Make the model that ships out of a checkpoint, and say what its int8 costs in bytes and in quality.

    python benchmarks/pack_builtin.py CHECKPOINT [--levels N] [--texts FILE ...] [--characters N] [--target DIR]

CHECKPOINT is as gptcli pretrain leaves it. Its files take the place of those in gptcli/builtin, all but the card. Texts
are scored as benchmarks/int8.py does. Fewer levels make the wheel smaller and the cost larger.
"""

import argparse
import json
import math
import shutil
import tempfile
import zlib
from pathlib import Path

import measure
import numpy as np
from int8 import window_scores

from gptcli.checkpoint.files import (
    CONFIG,
    GENERATION_CONFIG,
    SAFETENSORS,
    TOKENIZER_FILES,
    JsonObject,
    copy_tokenizer,
    read_json,
)
from gptcli.checkpoint.locate import PACKAGED, Located
from gptcli.checkpoint.packing import MOST_LEVELS, PACKED, pack, unpack

SETTLED: JsonObject = {"dtype": "float32", "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
"""What config.json says of the model that ships, whatever it was trained with."""


def main() -> None:
    """Pack, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--levels", type=int, default=95, choices=range(1, MOST_LEVELS + 1), metavar="N")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--characters", type=int, default=300_000)
    parser.add_argument("--target", type=Path, default=PACKAGED, metavar="DIR")
    arguments = parser.parse_args()
    package(arguments.checkpoint, arguments.target, arguments.levels)
    weights = (arguments.target / PACKED).read_bytes()
    files = [path for path in PACKAGED.parent.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files = [path for path in files if PACKAGED not in path.parents]
    files += [path for path in arguments.target.iterdir() if path.is_file() and path.suffix != ".pyc"]
    sizes = {
        "levels": arguments.levels,
        "weights, bytes": len(weights),
        "deflated": len(zlib.compress(weights)),
        "wheel, about": sum(len(zlib.compress(path.read_bytes())) for path in files),
    }
    measure.report("packed", [sizes])
    rows = [cost(arguments.checkpoint, arguments.target, path, arguments.characters) for path in arguments.texts]
    if rows:
        measure.report("bits a byte, and what int8 costs in perplexity", rows)


def package(checkpoint: Path, target: Path, levels: int) -> None:
    """Write everything that ships but the card."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, GENERATION_CONFIG, *TOKENIZER_FILES, SAFETENSORS):
        (target / name).unlink(missing_ok=True)
    config = read_json(checkpoint / CONFIG) | SETTLED
    (target / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if (checkpoint / GENERATION_CONFIG).is_file():
        shutil.copyfile(checkpoint / GENERATION_CONFIG, target / GENERATION_CONFIG)
    copy_tokenizer(checkpoint, target)
    pack(checkpoint / SAFETENSORS, target / PACKED, levels)
    (target / PACKED).chmod(0o644)  # safetensors writes for the owner alone


def cost(checkpoint: Path, target: Path, path: Path, characters: int) -> dict[str, object]:
    """Score the beginning of one text under the checkpoint and what was packed of it."""
    text = path.read_text(encoding="utf-8")[:characters]
    with tempfile.TemporaryDirectory() as name:
        again = shutil.copytree(target, Path(name, "packed"), ignore=shutil.ignore_patterns("*.safetensors"))
        unpack(target / PACKED, again / SAFETENSORS)
        scores = {
            name: np.concatenate(window_scores(Located(name=name, directory=place), "float32", text))
            for name, place in (("checkpoint", checkpoint), ("packed", again))
        }
    bits = {name: -values.sum(dtype=np.float64) / math.log(2) / len(text.encode()) for name, values in scores.items()}
    difference = (scores["checkpoint"] - scores["packed"]).mean(dtype=np.float64)
    return {
        "text": path.name,
        "tokens": len(scores["packed"]),
        **{name: f"{value:.5f}" for name, value in bits.items()},
        "perplexity": f"{100 * math.expm1(difference):+.3f} %",
    }


if __name__ == "__main__":
    main()
