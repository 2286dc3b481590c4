"""Twins: programs with different hashes whose updates on fixed inputs agree (`m / sqrt(m * m)` and `sign(m)`).

Signatures (`primitives.probe`) of similar scale share a bucket and are compared number by number, with a tolerance for
rounding: exact floats differ between machines. A signature that is not finite, or zero throughout, matches nothing,
since a program that fails on these inputs may train well.
"""

import math

import numpy as np

TOLERANCE = 5e-6  # largest difference, relative to the scale of a signature
_BUCKET = 2 * TOLERANCE  # width of a key, in units of the log scale; twins differ by no more than the tolerance


class Twins:
    """Index of signatures by candidate number."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[tuple[int, np.ndarray]]] = {}

    def add(self, number: int, signature: np.ndarray) -> None:
        """Add the signature of a candidate: its scale, followed by projections."""
        key = _key(signature)
        if key is not None:
            self._buckets.setdefault(key, []).append((number, signature))

    def find(self, signature: np.ndarray) -> int | None:
        """The lowest candidate number with a matching signature; `None` if there is none."""
        key = _key(signature)
        if key is None:
            return None
        near = (pair for place in (key - 1, key, key + 1) for pair in self._buckets.get(place, ()))
        return min((number for number, other in near if _agree(signature, other)), default=None)


def _key(signature: np.ndarray) -> int | None:
    scale = float(signature[0])
    return math.floor(math.log(scale) / _BUCKET) if 0 < scale < math.inf else None


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(one - other) <= TOLERANCE * one[0]))
