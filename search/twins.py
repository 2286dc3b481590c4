"""Twins: programs whose updates agree on fixed probes, although their hashes differ (`m / sqrt(m * m)` and `sign(m)`).

Candidates with similar magnitudes are found by a coarse key, and are compared number by number. Agreement is within
rounding, never by exact floats: those differ between machines. Where a probe holds anything that is not finite,
nothing is said: programs that fail on the probes need not fail in training.
"""

import math

import numpy as np

TOLERANCE = 1e-4  # relative, of each number; rounding in a program of some twenty statements stays below 1e-5
_BUCKET = 2e-4  # width of a key, in units of the mean log magnitude; twins differ by no more than the tolerance
_FLOOR = 1e-30  # magnitudes below this count as zero

_Key = tuple[bytes, int]  # the sign of each number, and the bucket of the mean log magnitude


class Twins:
    """Remembers probes by candidate number and finds the one that agrees with another."""

    def __init__(self) -> None:
        self._buckets: dict[_Key, list[tuple[int, np.ndarray]]] = {}

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
        signs, place = key
        near = (pair for bucket in (place - 1, place, place + 1) for pair in self._buckets.get((signs, bucket), ()))
        return min((number for number, other in near if _agree(probe, other)), default=None)


def _key(probe: np.ndarray) -> _Key | None:
    sizes = np.abs(probe)
    level = float(np.mean(np.log(np.maximum(sizes, _FLOOR))))
    if not math.isfinite(level):
        return None
    signs = np.packbits(np.concatenate([probe > _FLOOR, probe < -_FLOOR]))
    return signs.tobytes(), math.floor(level / _BUCKET)


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(one - other) <= TOLERANCE * np.maximum(np.abs(one), np.abs(other)) + _FLOOR))
