"""Turn summed nats and counts into perplexities and bits per byte. Of models it knows nothing.

A perplexity is exp(nats / units): only figures with the same units compare, and those of bytes compare whatever the
tokenizer. Bits per byte say the same as byte perplexity, of which they are the logarithm to base 2.
"""

import re
import sys
from dataclasses import dataclass
from math import exp, inf, log, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.resampling import Interval, ratio_interval

WordCount = Literal["whitespace", "lm-eval", "wikitext"]
"""What a word is.

whitespace: what white space parts, as wc -w counts.
lm-eval: the parts of a split at white space, of which one is empty at each end that has some.
wikitext: whitespace's words and one end for each line, the tokens of WikiText's and the GPT-2 paper's figures.
"""

_LOG_LARGEST = log(sys.float_info.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerplexityReport:
    """All figures of one set of documents, with intervals over documents; nan of none."""

    documents: int
    nats: float
    """The summed negative log-likelihood of the tokens scored."""
    tokens: int
    """Scored."""
    words: int
    bytes: int
    token_perplexity: Interval
    word_perplexity: Interval
    byte_perplexity: Interval
    bits_per_byte: Interval


def perplexity_report(
    nats: ArrayLike, *, tokens: ArrayLike, words: ArrayLike, utf8_bytes: ArrayLike, bootstrap: Bootstrap
) -> PerplexityReport:
    """Sum up documents: the nats of each one's scored tokens, how many those are, and the text's words and bytes.

    A document of which no token is scored does not belong here: its bytes would make the others look better.
    """
    losses = np.asarray(nats, dtype=np.float64)
    a_token, a_word, a_byte = (ratio_interval(losses, units, bootstrap) for units in (tokens, words, utf8_bytes))
    return PerplexityReport(
        documents=len(losses),
        nats=float(losses.sum()),
        tokens=round(float(np.sum(tokens))),
        words=round(float(np.sum(words))),
        bytes=round(float(np.sum(utf8_bytes))),
        token_perplexity=a_token.mapped(_exp),
        word_perplexity=a_word.mapped(_exp),
        byte_perplexity=a_byte.mapped(_exp),
        bits_per_byte=a_byte.mapped(_bits),
    )


def perplexity(nats: float, units: int) -> float:
    """Return exp(nats / units); nan of no units, inf past the largest float."""
    return _exp(nats / units) if units else nan


def count_words(text: str, convention: WordCount) -> int:
    """Count the words of a text as others do whose figures ours are compared with."""
    if convention == "lm-eval":
        return len(re.split(r"\s+", text))
    words = len(text.split())
    if convention == "wikitext":
        return words + text.count("\n") + (text != "" and not text.endswith("\n"))
    return words


def _exp(nats: float) -> float:
    return inf if nats > _LOG_LARGEST else exp(nats)


def _bits(nats: float) -> float:
    return nats / log(2)
