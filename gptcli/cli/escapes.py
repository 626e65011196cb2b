r"""Read \n, \t and \\ in the text of an option: quotes of a shell leave them as they are."""

import re

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


def unescaped(text: str) -> str:
    r"""Return the text with line ends for \n, tabs for \t and single backslashes for \\; any other stays as it is."""
    return re.sub(r"\\([nt\\])", lambda found: _ESCAPES[found[1]], text)
