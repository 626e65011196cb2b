"""The errors that gptcli raises, each with its exit code.

* GptcliError (1)
  - UsageError (2)         the command line cannot be understood
    + ConfigError          options that contradict each other or are out of range
  - InputError (3)         data unreadable, a column missing, or some rows failed
    + OutputError          a result could not be written
  - ModelError (4)         checkpoint missing, corrupt, or of another architecture
  - DeviceError (5)        device absent or out of memory
  - TrainingError (6)      the loss is not finite
  - MissingExtraError (7)  an optional package is absent
  - BoundError (8)         a figure is worse than it may be

Exit 130 is Ctrl-C, 141 a closed pipe and 143 a SIGTERM; none is an error of ours.
"""

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """Every status that gptcli can end with."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    MODEL = 4
    DEVICE = 5
    TRAINING = 6
    MISSING_EXTRA = 7
    BOUND = 8
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class GptcliError(Exception):
    """An error whose message a person can act on."""

    exit_code: ExitCode = ExitCode.BUG


class UsageError(GptcliError):
    """The command line cannot be understood."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """Options contradict each other or are out of range."""


class InputError(GptcliError):
    """Data is unreadable, a column is missing, or some rows failed."""

    exit_code = ExitCode.INPUT


class NoRowsError(InputError):
    """An input holds no row at all."""


class OutputError(InputError):
    """A result could not be written."""


class ModelError(GptcliError):
    """A checkpoint is missing, corrupt, or of another architecture."""

    exit_code = ExitCode.MODEL


class DeviceError(GptcliError):
    """A device is absent or out of memory."""

    exit_code = ExitCode.DEVICE


class TrainingError(GptcliError):
    """Training cannot go on."""

    exit_code = ExitCode.TRAINING


class MissingExtraError(GptcliError):
    """An optional package is absent; the message is the pip command that installs it."""

    exit_code = ExitCode.MISSING_EXTRA


class BoundError(GptcliError):
    """A figure is worse than --fail-under allows."""

    exit_code = ExitCode.BOUND
