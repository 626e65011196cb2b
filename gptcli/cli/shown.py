"""Text of anybody on a terminal: what could drive it, or cannot be seen, is escaped."""


def shown(text: str, *, unicode: bool) -> str:
    """Return text in one line, with escapes for controls, invisible characters and, without unicode, all but ASCII."""
    return "".join(
        character if character.isprintable() and (unicode or character.isascii()) else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
