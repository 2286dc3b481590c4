"""Random numbers keyed by a counter: the numbers of child i depend only on the seed and on i.

No state passes from one child to the next, so a search draws the same numbers after a resume and with any number of
workers. Only `random()` of Python's Mersenne Twister is used, whose sequence is fixed across versions.
"""

import random
from collections.abc import Sequence
from hashlib import blake2b
from statistics import NormalDist
from typing import TypeVar

Item = TypeVar("Item")
_NORMAL = NormalDist()


class Draws:
    """A stream of random numbers for one key, such as (seed, repeat, number of the child)."""

    def __init__(self, *key: int) -> None:
        digest = blake2b(":".join(map(str, key)).encode(), digest_size=16).digest()
        self._random = random.Random(int.from_bytes(digest, "big")).random

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return self._random()

    def integer(self, count: int) -> int:
        """An integer in 0 … count − 1."""
        return int(self._random() * count)

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items, with equal probabilities."""
        return items[int(self._random() * len(items))]

    def weighted(self, items: Sequence[Item], cumulative: Sequence[float]) -> Item:
        """One of the items, with probabilities proportional to the differences of successive cumulative weights."""
        mark = self._random() * cumulative[-1]
        return next(item for item, bound in zip(items, cumulative, strict=True) if mark < bound)

    def normal(self) -> float:
        """A draw from N(0, 1)."""
        return _NORMAL.inv_cdf(self._random() or 0.5)
