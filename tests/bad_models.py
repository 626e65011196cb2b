"""The table of damaged checkpoints, each the built-in model with one thing wrong; a part of the table of bad input."""

import json
import os
import shutil
from pathlib import Path

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import PACKAGED, locate
from tests.bad_input import Case, Make

VOCABULARY = read_config(PACKAGED).vocab_size


def model(change: Make, *, without: str = "") -> Make:
    """Return a maker of a copy of the built-in model in m/ with something wrong."""

    def make(directory: Path) -> None:
        source = locate("builtin", on_progress=lambda *_: None).directory
        shutil.copytree(source, directory / "m", ignore=shutil.ignore_patterns(*without.split()))
        change(directory / "m")

    return make


def lacking(names: str) -> Make:
    """Return a maker of a model without some of its files."""
    return model(lambda _: None, without=names)


def rewritten(name: str, **values: object) -> Make:
    """Return a maker of a model with other values in one of its JSON files."""
    return model(lambda m: (m / name).write_text(json.dumps(json.loads((m / name).read_text()) | values)))


def cut(name: str) -> Make:
    """Return a maker of a model with only half of a file."""
    return model(lambda m: os.truncate(m / name, (m / name).stat().st_size // 2))


MODELS = [
    Case(name="no config", make=lacking("config.json"), code=4, told="m: has no config.json; give the directory of"),
    Case(name="no weights", make=lacking("*.safetensors"), code=4, told="m: has no weights .model.safetensors or"),
    Case(
        name="no tokenizer",
        make=lacking("tokenizer.json vocab.json merges.txt"),
        code=4,
        told="m: has no tokenizer .tokenizer.json, or vocab.json and merges.txt",
    ),
    Case(name="half the weights", make=cut("model.safetensors"), code=4, told="m/model.safetensors: truncated.*again"),
    Case(name="half a tokenizer", make=cut("tokenizer.json"), code=4, told="m/tokenizer.json: not JSON.*again"),
    Case(name="half a config", make=cut("config.json"), code=4, told="m/config.json: not JSON"),
    Case(
        name="an empty file of weights",
        make=model(lambda m: (m / "model.safetensors").write_bytes(b"")),
        code=4,
        told="m/model.safetensors: not a safetensors file",
    ),
    Case(
        name="another architecture",
        make=rewritten("config.json", model_type="llama"),
        code=4,
        told="m/config.json: model_type is 'llama', expected 'gpt2'",
    ),
    Case(
        name="weights of another shape",
        make=rewritten("config.json", n_layer=40),
        code=4,
        told="m: the weights lack h.[0-9]+.* tensors missing",
    ),
    Case(
        name="a tokenizer larger than the vocabulary",
        make=model(lambda m: add_token(m / "tokenizer.json", VOCABULARY)),
        code=4,
        told=f"m/tokenizer.json: the tokenizer's largest id is {VOCABULARY}, but vocab_size .* is {VOCABULARY}",
    ),
    Case(
        name="a tokenizer of another kind",
        make=rewritten("tokenizer.json", pre_tokenizer={"type": "Whitespace"}),
        code=4,
        told="m/tokenizer.json: its pre_tokenizer is Whitespace, expected GPT-2's ByteLevel",
    ),
]


def add_token(path: Path, number: int) -> None:
    """Add a token to tokenizer.json."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document["model"]["vocab"]["qqqq"] = number
    path.write_text(json.dumps(document), encoding="utf-8")
