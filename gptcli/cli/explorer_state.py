"""What a person does in the next-token explorer: the candidate that is marked, and what each key brings about."""

from dataclasses import replace
from typing import Literal

from gptcli.cli.explorer_screen import View, view
from gptcli.errors import InputError
from gptcli.tasks.exploring import Exploration, Knob


class Explorer:
    """An exploration and the place in its list of candidates."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._view = view(exploration, chosen=0, message="")
        if not exploration.tokens:
            how = "i types, Enter takes" if self._view.choices else "i types"
            self._view = replace(self._view, message=f"The text is empty: {how} a beginning.")

    @property
    def view(self) -> View:
        """Return what is to be shown."""
        return self._view

    def choose(self, by: int) -> None:
        """Mark the candidate so many places further down."""
        last = max(len(self._view.choices) - 1, 0)
        self._view = replace(self._view, chosen=min(max(self._view.chosen + by, 0), last), message="")

    def take(self) -> None:
        """Put the marked candidate behind the text."""
        if self._view.choices:
            self._exploration.take(self._view.choices[self._view.chosen].token)
            self._show(0)

    def back(self) -> None:
        """Return to the text before the last step."""
        self._show(0, "" if self._exploration.back() else "This is where the text began.")

    def write(self, text: str) -> None:
        """Put a text behind the text."""
        try:
            self._exploration.write(text)
        except InputError as error:
            self._show(self._view.chosen, f"Not added: {error}.")
        else:
            self._show(0)

    def turn(self, knob: Knob, direction: Literal[-1, 1]) -> None:
        """Make an option smaller or larger by a step."""
        self._exploration.turn(knob, direction)
        self._show(self._view.chosen)

    def reset(self) -> None:
        """Set all options as they were at first."""
        self._exploration.reset()
        self._show(self._view.chosen)

    def _show(self, chosen: int, message: str = "") -> None:
        self._view = view(self._exploration, chosen=chosen, message=message)
