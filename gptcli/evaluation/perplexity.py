"""Turn nats a unit into perplexities and bits, and count words. Of models it knows nothing.

A perplexity is exp(nats / units): only figures with the same units compare, and those of bytes compare whatever the
tokenizer. Bits per byte say the same as byte perplexity, of which they are the logarithm to base 2.
"""

import re
from math import log
from typing import Literal, TypeVar

import numpy as np

from gptcli.evaluation.resampling import Values

WordCount = Literal["whitespace", "lm-eval", "wikitext"]
"""What a word is.

whitespace: what white space parts, as wc -w counts.
lm-eval: the parts of a split at white space, of which one is empty at each end that has some.
wikitext: whitespace's words and one end for each line, the tokens of WikiText's and the GPT-2 paper's figures.
"""

Numbers = TypeVar("Numbers", float, Values)


def perplexity(nats: Values) -> Values:
    """Return exp of nats a unit; inf past the largest float."""
    with np.errstate(over="ignore"):
        return np.exp(nats)


def bits(nats: Numbers) -> Numbers:
    """Return nats in bits."""
    return nats / log(2)


def count_words(text: str, convention: WordCount) -> int:
    """Count the words of a text as others do whose figures ours are compared with."""
    if convention == "lm-eval":
        return len(re.split(r"\s+", text))
    words = len(text.split())
    if convention == "wikitext":
        return words + text.count("\n") + (text != "" and not text.endswith("\n"))
    return words
