"""Processes of a run: starting several, which one this is, and how it says what went wrong."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from gptcli.cli.console import Console
from gptcli.cli.launching import launch
from gptcli.cli.orphans import LAUNCHER, end_with_launcher
from gptcli.cli.signals import exit_code
from gptcli.engine.neighbours import number_in
from gptcli.errors import ConfigError, GptcliError

COURTESY_SECONDS = 3.0
"""How long a process of another launcher lets the main one end before it."""


def rank_of(environment: Mapping[str, str]) -> int | None:
    """Return the number of this process, as torchrun, accelerate and --num-processes tell it; None for a lone one."""
    return number_in(environment, "RANK")


def world_of(environment: Mapping[str, str]) -> int:
    """Return how many processes there are."""
    return number_in(environment, "WORLD_SIZE") or 1


def start(console: Console, count: int, stdin: BinaryIO | None, *, killed: type[GptcliError]) -> None:
    """Run this command line in several processes, each with a copy of stdin, and end as they end."""
    code, told = launch(console.arguments, count, console.environment, stdin, killed=killed)
    for line in told:
        console.relay(line)
    if code:
        raise SystemExit(code)


def refuse_other_world(environment: Mapping[str, str], num_processes: int | None) -> None:
    """Raise ConfigError for no number of processes, or another than the launcher started."""
    if num_processes is not None and num_processes < 1:
        raise ConfigError(f"--num-processes must be at least 1, not {num_processes}")
    world = number_in(environment, "WORLD_SIZE")
    if num_processes is not None and world is not None and num_processes != world:
        raise ConfigError(f"--num-processes {num_processes}, but the launcher started {world}: leave the option out")
    # What accelerate launch --cpu --num_processes 2 sets: it leaves it to MPI to start them.
    alone = "RANK" not in environment and "MASTER_ADDR" in environment
    if alone and environment.get("ACCELERATE_USE_CPU", "").lower() == "true":
        raise ConfigError(
            "accelerate launch --cpu starts one process, whatever --num_processes says:"
            " leave it out and give gptcli --num-processes, or give accelerate --multi_gpu in its place"
        )


@contextmanager
def as_rank(environment: Mapping[str, str]) -> Iterator[int | None]:
    """Be the process that the launcher has started, if there is one: give its rank, and end with the launcher.

    Marks the errors of all but the first, which alone says that they were interrupted.
    """
    rank = rank_of(environment)
    end_with_launcher(environment)
    try:
        yield rank
    except KeyboardInterrupt as error:
        if not rank:
            raise
        raise SystemExit(exit_code(error)) from error
    except GptcliError as error:
        if not rank:
            raise
        if LAUNCHER not in environment:
            _let_the_main_one_speak(error)
        raise type(error)(f"rank {rank}: {error}") from error


def _let_the_main_one_speak(error: GptcliError) -> None:
    """Wait for the main process to end with what all of them met: another launcher stops all at the first that ends."""
    try:
        time.sleep(COURTESY_SECONDS)
    except KeyboardInterrupt as stopped:
        raise SystemExit(exit_code(stopped)) from error
