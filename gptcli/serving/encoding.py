"""Write answers as JSON, as short as it goes."""

import json

_ENCODED = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""One encoder for all: to make one takes longer than to write a short event."""


def encoded(data: object) -> bytes:
    """Return JSON in UTF-8."""
    return _ENCODED(data).encode()
