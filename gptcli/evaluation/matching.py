"""Compare a text with its reference: letter for letter, or as the question answering set SQuAD does.

Of several references, the best figure counts.
"""

import re
import string
from collections import Counter

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def exact_match(text: str, reference: str) -> bool:
    """Tell whether two texts are the same but for white space at their ends."""
    return text.strip() == reference.strip()


def normalized_match(text: str, reference: str) -> bool:
    """Tell whether two texts are the same once both are normalized, SQuAD's exact match."""
    return normalize_answer(text) == normalize_answer(reference)


def token_f1(text: str, reference: str) -> float:
    """Return the F1 of the words that two normalized texts share, each as often as both have it.

    Where either has no words left it is 1 if neither has, else 0, as in SQuAD 2.0.
    """
    words, wanted = normalize_answer(text).split(), normalize_answer(reference).split()
    if not words or not wanted:
        return float(words == wanted)
    shared = (Counter(words) & Counter(wanted)).total()
    return 2 * shared / (len(words) + len(wanted))


def normalize_answer(text: str) -> str:
    """Return a text in lower case without ASCII punctuation and English articles, its words one space apart."""
    bare = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())
