"""Arithmetic of float32 constants, in which results that differ from 0 or ±1 by rounding only become exact."""

from collections.abc import Sequence
from math import prod

ROUNDING = 3e-7  # relative; constants are float32, and products of two are wrong by a few units in the last place


def total(function: str, values: Sequence[float]) -> float:
    """Sum (`function` is "add") or product of constants, rounded to 0 or ±1 where it differs by rounding alone.

    >>> total("add", [0.1, 0.2, -0.3]), total("multiply", [3.0, 1 / 3])
    (0.0, 1.0)
    """
    if function == "add":
        added = sum(values)
        return 0.0 if abs(added) <= ROUNDING * max(map(abs, values)) else _whole(added)
    return _whole(prod(values))


def _whole(value: float) -> float:
    return float(round(value)) if abs(abs(value) - 1) <= ROUNDING else value
