"""Why a continuation ended; imports nothing heavy."""

from typing import Literal

FinishReason = Literal["stop", "length", "eos"]
"""A stop text came, the limit or the window was reached, or the model ended the text."""
