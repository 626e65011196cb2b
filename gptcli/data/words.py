"""Say in messages how many of something there are."""


def counted(number: float, name: str) -> str:
    """Return the number in front of the name, which gets an s unless it is 1: "1 token", "2,048 tokens"."""
    told = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{told} {name}" if number == 1 else f"{told} {name}s"
