"""Undo the tokenization of WikiText, so that a model reads the kind of text that it has learned from.

The rules are those of lm-evaluation-harness's task wikitext, which go back to those that GPT-2 was measured with
(its paper calls them invertible de-tokenizers); their order matters, and so do their oddities.
"""

import re

_NUMBERS = ((" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."))
_MARKS = tuple((f" {mark} ", f"{mark} ") for mark in ":;.!?,")
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ('"', '"'), ("'", "'"))
_HEADINGS = (("= = = =", "===="), ("= = =", "==="), ("= =", "=="))
_REST = ((" \N{DEGREE SIGN} ", "\N{DEGREE SIGN}"), (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "), (" 's", "'s"))


def wikitext_detokenized(text: str) -> str:
    """Return a page of WikiText with white space and marks as in running text."""
    text = text.replace("s '", "s'")
    text = re.sub(r"/' [0-9]/", "/'[0-9]/", text)
    text = _replaced(text, _NUMBERS + _MARKS)
    for opening, closing in _PAIRS:
        text = _tightened(text, opening, closing)
    return _replaced(text, _HEADINGS + _REST)


def wikitext_pages(text: str) -> list[str]:
    """Part WikiText's file into its pages, as EleutherAI's wikitext_document_level does.

    A page begins with the line of its title, " = Title = "; what stands before the first one is a page of its own
    where it is more than white space. Pages have no line end behind their last line, which mostly is blank.
    """
    pages: list[str] = []
    lines: list[str] = []
    for line in text.split("\n"):
        if _is_title(line):
            if (page := "\n".join(lines)).strip():
                pages.append(page)
            lines = []
        lines.append(line)
    return [*pages, "\n".join(lines)]


def _is_title(line: str) -> bool:
    """Tell whether a line is the heading of a page, not of a part of one."""
    heading = _replaced(line, _HEADINGS[1:]).strip()
    return heading.startswith("= ") and heading.endswith(" =")


def _tightened(text: str, opening: str, closing: str) -> str:
    """Take away the white space beside the marks of each pair, from an opening to the next closing one."""
    end = text.rfind(closing) + 1  # a search that begins behind it would go through the rest in vain, again and again
    pair = rf"{re.escape(opening)}([^{re.escape(closing)}]*){re.escape(closing)}"
    return re.sub(pair, lambda found: f"{opening}{found[1].strip()}{closing}", text[:end]) + text[end:]


def _replaced(text: str, rules: tuple[tuple[str, str], ...]) -> str:
    for old, new in rules:
        text = text.replace(old, new)
    return text
