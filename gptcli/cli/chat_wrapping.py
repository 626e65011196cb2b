"""Break a text that comes in pieces between its words, as a screen of so many columns needs it."""

import re

from rich.cells import cell_len

_PART = re.compile(r"\n|[^\S\n]+|[\u2e80-\uffff]|[^\s\u2e80-\uffff]+")
"""A line end, white space, a letter of a script that has no spaces between words, or a word."""


class WordWrap:
    """Holds a word back until it is whole, then says where it goes; a word longer than a line is left to the screen."""

    def __init__(self, columns: int) -> None:
        """Take the width of the screen, whose last column stays empty: some go on to the next line behind it."""
        self._columns = max(columns - 1, 1)
        self._column = 0
        self._space = self._word = ""

    def push(self, text: str) -> str:
        """Add a piece; return what can be shown by now."""
        *whole, self._word = ["", *_PART.findall(self._word + text)]
        shown = "".join(map(self._placed, whole))
        if self._word.isspace() or cell_len(self._word) > self._columns:
            shown += self.end()
        return shown

    def end(self) -> str:
        """Return what is held back."""
        word, self._word = self._word, ""
        return self._placed(word)

    def _placed(self, part: str) -> str:
        """Return a part with what parts it from those before."""
        if part == "\n":
            self._column, self._space = 0, ""
            return part
        if not part or part.isspace():
            self._space += part.expandtabs(4)
            return ""
        space, self._space = self._space, ""
        if self._column and self._column + len(space) + cell_len(part) > self._columns:
            space, self._column = "\n", 0
        else:
            self._column += len(space)
        self._column = (self._column + cell_len(part)) % (self._columns + 1)
        return space + part
