"""Random numbers by counting: the noise of a token is a function of (seed, row, sample, position, token id).

No state is carried, so a sample's noise is the same whatever its neighbours, the batch size or the backend
(law 2), and only the candidates' noise is ever computed.
"""

import numpy as np
from numpy.typing import NDArray

# splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
GOLDEN = 0x9E3779B97F4A7C15
MULTIPLIER_1 = 0xBF58476D1CE4E5B9
MULTIPLIER_2 = 0x94D049BB133111EB
MASK = 0xFFFFFFFFFFFFFFFF
MANTISSA_BITS = 53


def stream_key(*numbers: int) -> int:
    """Mix numbers, in order, into one 64-bit key."""
    key = 0
    for number in numbers:
        key = _mix((key + GOLDEN * (number + 1)) & MASK)
    return key


def gumbel(keys: NDArray[np.uint64], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return standard Gumbel noise for token ids (rows, k), one key a row.

    The likeliest token after adding it to the logits is a sample of their softmax (Gumbel 1954). A logit that is
    off by 1e-6 changes the choice about once in a million tokens; with an inverted cumulative sum over 50,000
    tokens it would be far more often.
    """
    bits = keys[:, None] + ids.astype(np.uint64) * np.uint64(GOLDEN)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(MULTIPLIER_1)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(MULTIPLIER_2)
    bits ^= bits >> np.uint64(31)
    bits >>= np.uint64(64 - MANTISSA_BITS)
    noise = bits.astype(np.float64)
    noise += 0.5
    noise *= 2.0**-MANTISSA_BITS  # uniform between 0 and 1, neither of them
    np.negative(np.log(noise, out=noise), out=noise)
    return np.negative(np.log(noise, out=noise), out=noise)


def _mix(bits: int) -> int:
    """Return splitmix64's output function of one 64-bit integer."""
    bits = (bits ^ (bits >> 30)) * MULTIPLIER_1 & MASK
    bits = (bits ^ (bits >> 27)) * MULTIPLIER_2 & MASK
    return bits ^ (bits >> 31)
