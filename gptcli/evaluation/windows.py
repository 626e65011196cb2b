"""Cut a text's tokens into windows of which some tokens are scored, each as another convention has it.

Tokens are numbered from 0, a beginning-of-text token in front counted with them. Nothing predicts token 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Tokens begin to end - 1, of which those from scored on are scored: begin < scored <= end.

    A context of n tokens makes windows of n + 1 at most: the last token is predicted, and never read.
    """

    begin: int
    end: int
    scored: int
    counted: int
    """How many tokens its mean counts for, where windows are averaged; else as many as it scores."""

    @property
    def start(self) -> int:
        """Return the first position in the window that is scored."""
        return self.scored - self.begin


def sliding_windows(length: int, *, context: int, stride: int) -> Iterator[Window]:
    """Yield windows that score all tokens but the first once, each after as many others as there are and fit.

    From the second window on, stride tokens are scored, the last ones of as full a context as the text allows; so a
    stride of 1 gives each token all the context there is. A stride of the whole context is lm-evaluation-harness's
    loglikelihood_rolling with a context_len of 1. Of fewer than two tokens there are no windows.
    """
    done = 1
    while done < length:
        end = min(length, done + (context if done == 1 else stride))
        yield Window(begin=max(0, end - 1 - context), end=end, scored=done, counted=end - done)
        done = end


def documentation_windows(length: int, *, context: int, stride: int) -> Iterator[Window]:
    """Yield the windows of the loop in the documentation of Transformers ("Perplexity of fixed-length models").

    Each begins stride tokens behind the one before; its labels are the tokens that none before had. The model shifts
    them by one, so a window without tokens before its labels does not score the first: with a stride of the context
    that is one token a window. The mean of each window counts for one token less than it has labels, in either case.
    A window of a single token, whose mean there is not a number, is left out.
    """
    done = 0
    for begin in range(0, length, stride):
        end = min(begin + context, length)
        scored = max(done, begin + 1)
        if scored < end:
            yield Window(begin=begin, end=end, scored=scored, counted=end - done - 1)
        done = end
        if end == length:
            return


def chunk_windows(length: int, *, context: int) -> Iterator[Window]:
    """Yield the chunks of llama.cpp's perplexity: one behind the other, the second half of each scored.

    The first token of that half is not, and what is left at the end of the text is no chunk.
    """
    for begin in range(0, length - context + 1, context):
        scored = begin + context // 2 + 1
        yield Window(begin=begin, end=begin + context, scored=scored, counted=begin + context - scored)
