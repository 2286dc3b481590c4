"""Twins: programs whose updates agree on fixed probes, although their hashes differ (`m / sqrt(m * m)` and `sign(m)`).

Candidates with similar magnitudes are found by a coarse key, and are compared number by number. Agreement is within
rounding, never by exact floats: those differ between machines. Where a probe holds anything that is not finite,
nothing is said: programs that fail on the probes need not fail in training.
"""

import math

import numpy as np

TOLERANCE = 1e-4  # relative, of each number; rounding in a program of some twenty statements stays below 1e-5
_BUCKET = 1e-3  # width of a key, in units of the mean log magnitude; wider than any two twins can differ
_FLOOR = 1e-30  # magnitudes below this count as zero


class Twins:
    """Remembers probes by candidate number and finds the one that agrees with another."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[tuple[int, np.ndarray]]] = {}

    def add(self, number: int, probe: np.ndarray) -> None:
        """Remember the updates of a candidate, float32 of any one shape."""
        key = _key(probe)
        if key is not None:
            self._buckets.setdefault(key, []).append((number, probe))

    def find(self, probe: np.ndarray) -> int | None:
        """The lowest number whose updates agree; `None` if there is none."""
        key = _key(probe)
        if key is None:
            return None
        near = (pair for place in (key - 1, key, key + 1) for pair in self._buckets.get(place, ()))
        return min((number for number, other in near if _agree(probe, other)), default=None)


def _key(probe: np.ndarray) -> int | None:
    level = float(np.mean(np.log(np.maximum(np.abs(probe), _FLOOR))))
    return math.floor(level / _BUCKET) if math.isfinite(level) else None


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(one - other) <= TOLERANCE * np.maximum(np.abs(one), np.abs(other)) + _FLOOR))
