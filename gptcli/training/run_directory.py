"""The output directory of a run: claimed before anything is read, locked while it is used, finished file by file."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from safetensors import SafetensorError

from gptcli.checkpoint.directory import fsync_tree, reason_of
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
from gptcli.training.files import CHECKPOINTS, STATE, TRACKED
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


def is_finished(path: Path) -> bool:
    """Return whether a run has come to its end in a directory; all its processes may ask."""
    return any((path / name).is_file() for name in _WEIGHTS)


class RunDirectory:
    """An output directory that this process alone writes to."""

    def __init__(self, path: Path, *, overwrite: bool, resume: bool) -> None:
        """Claim it; raises ConfigError where it is taken, and OutputError where it cannot be written."""
        self.path = path
        self._descriptor: int | None = None
        self._overwrite = overwrite
        self._resume = resume
        try:
            if path.exists() and not path.is_dir():
                raise ConfigError(f"{path} is a file: give another directory with -o")
            self._refuse_read_only()
            self._refuse_other()
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def open(self) -> None:
        """Make it, lock it, and empty it where it is to be overwritten; raises OutputError and ConfigError.

        Minutes have gone since it was claimed: it is refused if another run was there meanwhile. What a killed run left
        half written is removed.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock()
            self._refuse_other()
            for left in (self.path / _FINAL, *(self.path / CHECKPOINTS).glob(".*")):
                shutil.rmtree(left, ignore_errors=True)
            for name in (TRAINING, METRICS):  # both are replaced by a file of a temporary name
                for file in self.path.glob(f".{name}.*.tmp"):
                    file.unlink(missing_ok=True)
            if self._overwrite:
                self._empty()
        except OSError as error:
            raise self._unwritable(error) from error

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
        except (OSError, SafetensorError) as error:
            shutil.rmtree(final, ignore_errors=True)
            raise OutputError(
                f"{self.path}: the model cannot be saved ({reason_of(error)}); once there is room, go on with --resume"
            ) from error

    def _refuse_read_only(self) -> None:
        """Raise OSError where nothing can be written, as far as can be told without trying."""
        there = next(place for place in (self.path, *self.path.absolute().parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _refuse_other(self) -> None:
        """Raise ConfigError for a directory that holds something else than a run to go on with or to replace."""
        if not self.path.is_dir() or all(self._is_nothing(name) for name in os.listdir(self.path)):
            if self._resume:
                raise ConfigError(f"{self.path} has no run to resume: leave --resume out to begin one")
            return
        if not self._overwrite and not self._resume:
            raise ConfigError(
                f"{self.path} is there already: give another -o, or --overwrite to replace it, or --resume"
            )
        # A checkpoint names its options too: with the data, a run goes on whose own file of them is lost.
        goes_on = self._resume and any((self.path / CHECKPOINTS).glob(f"step-*/{STATE}"))
        if not goes_on and not (self.path / TRAINING).is_file():
            raise ConfigError(f"{self.path} has no {TRAINING}, so no run wrote it: give another directory with -o")

    def _is_nothing(self, name: str) -> bool:
        """Return whether a file is all that is left of a run that was killed before it had noted its options."""
        return name == _LOCK or name.startswith(f".{TRAINING}.")

    def _empty(self) -> None:
        """Remove what the run before has written; last its options, without which it could not be replaced."""
        for name in sorted(_OURS, key=lambda name: (name == TRAINING, name)):
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

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path} cannot be written: {error.strerror}; give another directory with -o")
