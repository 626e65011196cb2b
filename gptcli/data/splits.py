"""Split rows by a hash of what they say, so that no row changes sides because others came or moved."""

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

HASH_BYTES = 8
Hashes = npt.NDArray[np.uint64]


def row_hasher() -> Callable[[bytes], bytes]:
    """Return the function that hashes a row's content, the same on every machine."""
    blank = hashlib.blake2b(digest_size=HASH_BYTES)

    def row_hash(content: bytes) -> bytes:
        state = blank.copy()  # a third of the time that a new one takes
        state.update(content)
        return state.digest()

    return row_hash


def hashes_of(joined: bytes | bytearray) -> Hashes:
    """Return row hashes that were put one behind the other as numbers."""
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64)


def validation_mask(hashes: Hashes, groups: npt.NDArray[np.int64], split: float) -> npt.NDArray[np.bool_]:
    """Return which rows are held out: those whose hash lies in the lowest part of all hashes.

    Rows with the same hash stay together. A group (a label) with rows enough for one held out and none there
    lends its lowest hash; a group with no row left to train on keeps its highest. Only such stand-ins may change
    sides when rows of their group are added, and all other rows never do.
    """
    mask = hashes < np.uint64(min(int(split * 2.0**64), 2**64 - 1))
    if split <= 0:
        return np.zeros(len(hashes), dtype=np.bool_)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    borrowed = []
    kept = []
    for members in np.split(order, starts[1:]) if len(order) else []:
        held = int(mask[members].sum())
        own = hashes[members]
        if held == 0 and len(members) * split >= 1 and own.min() != own.max():
            borrowed.append(own.min())
        elif held == len(members):
            kept.append(own.max())
    mask |= np.isin(hashes, np.array(borrowed, dtype=np.uint64))
    return mask & ~np.isin(hashes, np.array(kept, dtype=np.uint64))


def count_repeats(hashes: Hashes) -> int:
    """Return how many rows stand among the rows before them."""
    ordered = np.sort(hashes)
    return int((ordered[1:] == ordered[:-1]).sum())


def count_shared(hashes: Hashes, others: Hashes) -> int:
    """Return how many rows also stand among others."""
    return int(np.isin(hashes, others).sum())
