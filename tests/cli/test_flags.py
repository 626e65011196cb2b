"""Groups of options: what a command declares becomes what Typer reads, and comes back as groups."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer

from gptcli.cli.flags import flat

Shared = Annotated[str | None, typer.Option("--shared")]


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """A group."""

    shared: Shared = None
    own: Annotated[int, typer.Option("--own")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """Another, with an option of the first."""

    shared: Shared = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """One that means something else by the same name."""

    shared: Annotated[str | None, typer.Option("--shared")] = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Groups in a group."""

    first: First
    second: Second


def both(first: First, second: Second, plain: int = 0) -> tuple[First, Second, int]:
    """Take two groups and a parameter of its own."""
    return first, second, plain


def test_an_option_that_two_groups_share_is_one_parameter_and_both_get_its_value() -> None:
    parsed = flat(both)
    assert list(signature(parsed).parameters) == ["shared", "own", "plain"]
    assert parsed(shared="x", own=2, plain=3) == (First(shared="x", own=2), Second(shared="x"), 3)


def test_groups_in_a_group_are_parameters_too() -> None:
    def command(nested: Nested) -> Nested:
        """Take groups in a group."""
        return nested

    command.__annotations__ = {"nested": Nested}
    parsed = flat(command)
    assert list(signature(parsed).parameters) == ["shared", "own"]
    assert parsed(shared="x", own=2) == Nested(first=First(shared="x", own=2), second=Second(shared="x"))


def test_one_name_for_two_options_is_refused() -> None:
    def command(first: First, other: Other) -> None:
        """Take two groups that do not agree."""

    command.__annotations__ = {"first": First, "other": Other}
    with pytest.raises(TypeError, match="shared is declared twice, and not alike"):
        flat(command)
