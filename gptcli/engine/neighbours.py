"""The processes of a run on one machine, as their launcher tells each: they divide its cores, memory and GPUs."""

from collections.abc import Mapping


def local_rank(environment: Mapping[str, str]) -> int:
    """Return the number of this process among those on this machine; 0 for a lone one."""
    return number_in(environment, "LOCAL_RANK") or 0


def local_world(environment: Mapping[str, str]) -> int | None:
    """Return how many there are on this machine; None where there is no launcher, or it does not say."""
    return number_in(environment, "LOCAL_WORLD_SIZE")


def number_in(environment: Mapping[str, str], name: str) -> int | None:
    """Return a number that is not negative; None where there is none."""
    text = environment.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
