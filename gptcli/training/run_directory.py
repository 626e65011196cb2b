"""The output directory of a run: claimed before anything is read, locked while it is used, finished file by file."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gptcli.checkpoint.directory import fsync_tree
from gptcli.checkpoint.files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    CONFIG,
    GENERATION_CONFIG,
    SAFETENSORS,
    TEMPLATE,
    TOKENIZER_FILES,
)
from gptcli.errors import ConfigError, OutputError
from gptcli.training.card import FILE_NAME as CARD
from gptcli.training.config_file import FILE_NAME as TRAINING
from gptcli.training.files import CHECKPOINTS, TRACKED
from gptcli.training.metrics_log import FILE_NAME as METRICS
from gptcli.training.plots import CONFUSION_FILE, LOSS_FILE

_LOCK = ".lock"
_FINAL = ".final"
_WEIGHTS = (SAFETENSORS, ADAPTER_WEIGHTS)
_OURS = frozenset(
    {
        TRAINING,
        METRICS,
        CHECKPOINTS,
        _FINAL,
        CARD,
        LOSS_FILE,
        CONFUSION_FILE,
        TRACKED,
        CONFIG,
        GENERATION_CONFIG,
        TEMPLATE,
        ADAPTER_CONFIG,
        *TOKENIZER_FILES,
        *_WEIGHTS,
    }
)
"""All that a run writes: nothing else is ever removed."""


class RunDirectory:
    """An output directory that this process alone writes to."""

    def __init__(self, path: Path, *, overwrite: bool, resume: bool) -> None:
        """Claim it; raises ConfigError where it is taken, and OutputError where it cannot be written."""
        self.path = path
        self._descriptor: int | None = None
        self._overwrite = overwrite
        if path.exists() and not path.is_dir():
            raise ConfigError(f"{path} is a file: give another directory with -o")
        if path.is_dir() and any(path.iterdir()):
            self._refuse_other(overwrite=overwrite, resume=resume)
        elif resume:
            raise ConfigError(f"{path} has no run to resume: leave --resume out to begin one")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    @property
    def is_finished(self) -> bool:
        """Return whether a run has come to its end here."""
        return any((self.path / name).is_file() for name in _WEIGHTS)

    def open(self) -> None:
        """Make it, lock it, and empty it where it is to be overwritten; raises OutputError and ConfigError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock()
            shutil.rmtree(self.path / _FINAL, ignore_errors=True)
            if self._overwrite:
                self._empty()
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be written: {error.strerror}; give another directory with -o"
            ) from error

    def finish(self, write: Callable[[Path], None]) -> None:
        """Put the files that write writes into a directory in place, the weights last; raises OutputError."""
        final = self.path / _FINAL
        try:
            shutil.rmtree(final, ignore_errors=True)
            final.mkdir()
            write(final)
            fsync_tree(final)
            for entry in sorted(final.iterdir(), key=lambda entry: entry.name in _WEIGHTS):
                entry.replace(self.path / entry.name)
            final.rmdir()
            fsync_tree(self.path)
        except OSError as error:
            raise OutputError(
                f"{self.path}: the model cannot be saved ({error.strerror}); free some space, then --resume"
            ) from error

    def _refuse_other(self, *, overwrite: bool, resume: bool) -> None:
        """Raise ConfigError for a directory that holds something else than a run to go on with or to replace."""
        if not overwrite and not resume:
            raise ConfigError(
                f"{self.path} is there already: give another -o, or --overwrite to replace it, or --resume"
            )
        if not (self.path / TRAINING).is_file():
            raise ConfigError(f"{self.path} has no {TRAINING}, so no run wrote it: give another directory with -o")

    def _empty(self) -> None:
        """Remove what the run before has written."""
        for name in sorted(_OURS):
            entry = self.path / name
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)

    def _lock(self) -> None:
        self._descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{self.path}: another run is writing there: wait for it, or give another -o") from error
