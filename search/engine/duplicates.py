"""Twins: programs whose updates agree on fixed probes, although their hashes differ (`m / sqrt(m * m)` and `sign(m)`).

Signatures (`primitives.probe`) of similar scale are found by a key and compared number by number. Agreement is within
rounding, never by exact floats: those differ between machines. Where a signature is not finite, or all is zero,
nothing is said: programs that fail on the probes need not fail in training.
"""

import math

import numpy as np

TOLERANCE = 5e-6  # of the scale of a signature
_BUCKET = 2 * TOLERANCE  # width of a key, in units of the log scale; twins differ by no more than the tolerance


class Twins:
    """Remembers signatures by candidate number and finds the one that agrees with another."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[tuple[int, np.ndarray]]] = {}

    def add(self, number: int, signature: np.ndarray) -> None:
        """Remember the signature of a candidate: its scale, then any number of projections."""
        key = _key(signature)
        if key is not None:
            self._buckets.setdefault(key, []).append((number, signature))

    def find(self, signature: np.ndarray) -> int | None:
        """The lowest number whose signature agrees; `None` if there is none."""
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
