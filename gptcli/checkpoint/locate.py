"""Find the directory of a model: built in, on disk, in the Hugging Face cache or on the Hub.

An adapter's directory stands for its base model, found in the same way, with the adapter folded in.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePath

from gptcli.checkpoint.adapter import Adapter, read_adapter
from gptcli.checkpoint.files import CONFIG, is_adapter, is_complete, weight_files
from gptcli.checkpoint.folding import folded
from gptcli.checkpoint.hub import HubError, HubUnreachableError, Progress, download, hub_cache
from gptcli.checkpoint.packing import unpacked
from gptcli.errors import ModelError

BUILTIN = "builtin"
PACKAGED = Path(__file__).parents[1] / BUILTIN
"""Where the built-in model ships, its weights packed."""
DEFAULT = "gpt2"

REPOSITORIES = {
    "gpt2": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-xl": "openai-community/gpt2-xl",
    "distilgpt2": "distilbert/distilgpt2",
}
"""The models whose short names are older than owners on the Hub; caches hold them under either name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A model's directory, and what to tell people about it."""

    name: str
    directory: Path
    notice: str | None = None
    """A warning: another model than expected was taken."""
    base: str | None = None
    """The name of the model that this adapter was folded into; directory then holds the result."""


def locate(name: str | None, *, on_progress: Progress) -> Located:
    """Find a model by name or directory; None is gpt2, or the built-in model where gpt2 cannot be had.

    Looks at the disk before the network, and makes no network call when the files are complete. Raises
    ModelError when a model that was named is not found: it is never replaced by another.
    """
    found = _found(name, on_progress)
    if is_adapter(found.directory):
        return _with_base(found, on_progress)
    if not weight_files(found.directory):
        _refuse_unfinished(found.directory)
    return found


def _found(name: str | None, on_progress: Progress) -> Located:
    """Find what has this name, which may be an adapter."""
    if name is None:
        return _locate_default(on_progress)
    if name == BUILTIN:
        return _builtin()
    if os.path.isdir(name):
        return Located(name=name, directory=Path(name))
    if not _is_repository(name):
        raise ModelError(_no_such_directory(name))
    try:
        directory = _cached_or_downloaded(REPOSITORIES.get(name, name), on_progress)
    except HubError as error:
        raise ModelError(_not_found(name, error)) from error
    return Located(name=name, directory=directory)


def find_cached(repository: str) -> Path | None:
    """Return the snapshot of a model in the Hugging Face cache, if it is there with all its files."""
    names = (repository, *(short for short, full in REPOSITORIES.items() if full == repository))
    for name in names:
        folder = hub_cache() / f"models--{name.replace('/', '--')}"
        reference = folder / "refs" / "main"
        if reference.is_file():
            snapshot = folder / "snapshots" / reference.read_text(encoding="utf-8").strip()
            if is_complete(snapshot):
                return snapshot
    return None


def _with_base(found: Located, on_progress: Progress) -> Located:
    """Return the model that an adapter makes of its base; raises ModelError."""
    adapter = read_adapter(found.directory)
    try:
        base = _found(_base_name(adapter), on_progress)
    except ModelError as error:
        raise ModelError(f"{found.name} is an adapter, and its base model is missing: {error}") from error
    if is_adapter(base.directory):
        raise ModelError(f"{found.name}: its base {base.name} is an adapter too; merge that into a model of its own")
    description = f"folding {found.name} into {base.name}"
    directory = folded(adapter, base.directory, lambda done, total: on_progress(description, done, total))
    return Located(name=found.name, directory=directory, base=base.name)


def _base_name(adapter: Adapter) -> str:
    """Return the name under which an adapter's base is found now."""
    # The built-in model is recorded by its path: in the cache now, in the package before it was packed.
    if os.path.isabs(adapter.base) and PurePath(adapter.base).parts[-2:] == PACKAGED.parts[-2:]:
        return BUILTIN
    beside = adapter.directory / adapter.base
    return str(beside) if os.path.isdir(beside) else adapter.base


def _refuse_unfinished(directory: Path) -> None:
    """Raise ModelError for the output of a training that has not come to its end."""
    checkpoints = sorted((directory / "checkpoints").glob("step-*"))
    if not checkpoints:
        return
    raise ModelError(
        f"{directory}: its training is not finished ({checkpoints[-1].name} is its last checkpoint); "
        "go on with the command that began it and --resume"
    )


def _locate_default(on_progress: Progress) -> Located:
    """Find gpt2, or fall back to the built-in model with a notice."""
    try:
        directory = _cached_or_downloaded(REPOSITORIES[DEFAULT], on_progress)
    except HubUnreachableError as error:
        return _builtin(
            f"{DEFAULT} is not in the Hugging Face cache and {error}: the small built-in story model writes instead"
            f" (-m {BUILTIN} asks for it); to get {DEFAULT}, run `gptcli generate -m {DEFAULT} ...` once with a"
            " network, or give its directory with -m DIR"
        )
    except HubError as error:
        raise ModelError(_not_found(DEFAULT, error)) from error
    return Located(name=DEFAULT, directory=directory)


def _cached_or_downloaded(repository: str, on_progress: Progress) -> Path:
    """Return a model's files from the cache, or fetch them into it."""
    return find_cached(repository) or download(repository, on_progress)


def _builtin(notice: str | None = None) -> Located:
    """Return the model that ships inside the package, unpacked into the cache."""
    return Located(name=BUILTIN, directory=unpacked(PACKAGED), notice=notice)


def _is_repository(name: str) -> bool:
    """Tell whether a name can be a repository of the Hub: NAME or OWNER/NAME, by the Hub's own rules."""
    return (
        len(name) <= 96
        and re.fullmatch(r"(\w[\w.-]*/)?\w[\w.-]*", name, re.ASCII) is not None
        and not re.search(r"--|\.\.|[.-](/|$)|\.git$", name)
        and not os.path.isfile(name)
    )


def _no_such_directory(name: str) -> str:
    """Say why a name that can only be a path is no model."""
    if os.path.isfile(name):
        return f"{name}: is a file; give the directory that holds it: -m {Path(name).parent}"
    return f"{name!r}: no such directory{_close(name)}; give the directory of a GPT-2, or a name such as gpt2"


def _not_found(name: str, reason: HubError) -> str:
    """Say where a model was looked for, what may have been meant, and what to type next."""
    return (
        f"no model {name!r}: not a directory, not complete in the Hugging Face cache ({hub_cache()}), and"
        f" {reason}{_close(name)}; -m {BUILTIN} needs no network"
    )


def _close(name: str) -> str:
    """Return a clause with the models whose names are spelled almost like this one."""
    close = get_close_matches(name, {*_known_names(name)} - {name}, n=3)
    return f"; close names: {', '.join(close)}" if close else ""


def _known_names(name: str) -> Iterator[str]:
    """Yield the models that could be meant: well-known, cached, and directories beside the one asked for."""
    yield from (BUILTIN, *REPOSITORIES)
    for folder in hub_cache().glob("models--*"):
        yield folder.name.removeprefix("models--").replace("--", "/")
    beside = Path(name).parent
    if os.path.isdir(beside):
        yield from (str(config.parent) for config in beside.glob(f"*/{CONFIG}"))
