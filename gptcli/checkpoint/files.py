"""Name the files of a checkpoint as Hugging Face saves them, and read the JSON ones."""

import json
import shutil
from pathlib import Path

from gptcli.errors import ModelError

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
SAFETENSORS = "model.safetensors"
SAFETENSORS_INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"
TOKENIZER = "tokenizer.json"
VOCAB = "vocab.json"
MERGES = "merges.txt"
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
TEMPLATE = "template.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

TOKENIZER_FILES = (TOKENIZER, VOCAB, MERGES, TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP, ADDED_TOKENS)

JsonObject = dict[str, object]


def read_json(path: Path) -> JsonObject:
    """Read a file that holds one JSON object; raises ModelError when it does not."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON ({error}); download the model again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: holds no JSON object; download the model again")
    return value


def read_json_if_present(path: Path) -> JsonObject:
    """Read a file that may be absent, as an empty object then."""
    return read_json(path) if path.is_file() else {}


def weight_files(directory: Path) -> tuple[Path, ...]:
    """List the files that should hold the weights, preferred as transformers does; empty when there are none.

    Shards are listed as the index names them, whether or not they exist.
    """
    for single, index in ((SAFETENSORS, SAFETENSORS_INDEX), (PICKLE, PICKLE_INDEX)):
        if (directory / single).is_file():
            return (directory / single,)
        if (directory / index).is_file():
            return _shards(directory / index)
    return ()


def is_complete(directory: Path) -> bool:
    """Tell whether a directory has an adapter, or a config, a tokenizer and every file of the weights."""
    if is_adapter(directory):
        return (directory / ADAPTER_WEIGHTS).is_file()
    weights = weight_files(directory)
    return (
        (directory / CONFIG).is_file()
        and has_tokenizer(directory)
        and bool(weights)
        and all(path.is_file() for path in weights)
    )


def is_adapter(directory: Path) -> bool:
    """Tell whether a directory holds an adapter, which needs its base model, as peft saves one."""
    return (directory / ADAPTER_CONFIG).is_file()


def has_tokenizer(directory: Path) -> bool:
    """Tell whether a directory has tokenizer.json, or vocab.json with merges.txt."""
    return (directory / TOKENIZER).is_file() or all((directory / name).is_file() for name in (VOCAB, MERGES))


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy the tokenizer's files of one directory to another; raises OSError."""
    for name in TOKENIZER_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _shards(index: Path) -> tuple[Path, ...]:
    """List the distinct files that an index names."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{index}: has no weight_map; download the model again")
    names = sorted({str(name) for name in weight_map.values()})
    outside = [name for name in names if Path(name).name != name]
    if outside:
        raise ModelError(f"{index}: names {outside[0]!r}, which is not a file of this directory")
    return tuple(index.parent / name for name in names)
