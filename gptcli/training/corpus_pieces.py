"""Cut a long text into pieces whose tokens, joined, are the tokens of the whole."""

import re
from collections.abc import Iterator

PIECE_CHARACTERS = 1 << 14
"""Long enough that a piece costs nothing, short enough that threads share a book."""

# No part that GPT-2's pre-tokenizer splits off goes over such a place: what is not white space holds no newline, and
# a space at its start only; and white space is looked at only from its own start on. A tokenizer may add tokens that
# do (by lstrip, say, or a newline inside); there a cut may take one. A tokenizer that puts a space in front of a text
# does so before a newline too, and not before a space.
_SPACE = re.compile(r"(?<=\S) ")
_NEWLINE = re.compile(r"(?<=\S)\n")
_EITHER = re.compile(r"(?<=\S)[ \n]")


def pieces(text: str, longest: int = PIECE_CHARACTERS, *, at_newlines: bool = False) -> Iterator[str]:
    """Yield the text in pieces of at most this many characters, of which all but the first begin with a space.

    at_newlines: part it before newlines, and before a space only where there is none; for tokenizers that put no space
    in front of a text. A piece is longer only where a text has no such place that far.
    """
    start, place = 0, _EITHER if at_newlines else _SPACE
    while len(text) - start > longest:
        cut = _last(_NEWLINE, text, start, longest) if at_newlines else None
        cut = cut or _last(place, text, start, longest)
        if cut is None:
            found = place.search(text, start + longest)
            cut = found.start() if found else len(text)
        yield text[start:cut]
        start = cut
    if start < len(text):
        yield text[start:]


def _last(place: re.Pattern[str], text: str, start: int, longest: int) -> int | None:
    """Return the last such place at most this many characters behind the start, or None."""
    last = None
    for found in place.finditer(text, start + 1, start + longest + 1):
        last = found.start()
    return last
