"""What answers of both kinds say at their end: why a text ended, and how many tokens it took."""

from gptcli.engine.request import Finished
from gptcli.serving.schemas.writing import Finish


def finish_reason(finished: Finished) -> Finish:
    """Return why a text has ended in OpenAI's words, which have one for stop texts and the model's own end."""
    return "length" if finished.finish_reason == "length" else "stop"


def usage(prompt_tokens: int, new_tokens: int) -> dict[str, int]:
    """Return how many tokens were read and written."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": new_tokens,
        "total_tokens": prompt_tokens + new_tokens,
    }
