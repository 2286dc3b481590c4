"""Comparison of two programs on fixed probes: updates and states must agree at each step.

Values are compared in float64, so that different rounding does not count: `v + 3 - 3` equals `v`, although float32
loses half of its digits. In float32, both programs must be finite at the same places. Gradients differ in size by
orders of magnitude from weight to weight, but stay far from the guard 1e-8 in `/`. Updates are applied to the weights.

Near a jump or a pole of a function, rounding errors are amplified without bound. If two programs differ, the first one
is therefore run again with gradients that are changed by a rounding error. If it differs from itself as much, the
difference does not count.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from primitives import UPDATE, Program
from simplify.numeric import Probe, run

STEPS = 20
STARTS = 3
_SIZES = (5, 3, 4)  # sizes of the parameter arrays
TOLERANCE = 2e-4  # relative; rounding over twenty steps of float32 stays within 1e-5
GUARDED = 1e-2  # relative; the guard 1e-8 changes a value of 1e-6 by as much
_FLOOR = 2e-5  # absolute tolerance relative to the largest value of a step, for values that cancel
_NUDGE = 3e-7  # a few units in the last place of a float32


class Conditions(NamedTuple):
    """Size of the gradients and the learning rates of a probe.

    Attributes:
        gradients: factor on the gradients.
        peak: learning rate at the first step, from which it falls to a ten-thousandth; `None` for rates from 1 to 0.2.
    """

    gradients: float = 1.0
    peak: float | None = None

    def schedule(self) -> np.ndarray:
        """Learning rate of each step, shape `(20,)`."""
        return np.linspace(1, 0.2, STEPS) if self.peak is None else np.geomspace(self.peak, 1e-4 * self.peak, STEPS)


USUAL = Conditions()
SMALL = Conditions(gradients=0.03, peak=1e-2)  # gradients of about 1e-3


@lru_cache(maxsize=256)
def trace(
    program: Program, nudge: float = 0.0, precise: bool = True, steps: int = STEPS, conditions: Conditions = USUAL
) -> dict[str, np.ndarray]:
    """Run a program on the probes, from three initial weights.

    Args:
        program: a valid program.
        nudge: relative change of the gradients.
        precise: compute in float64 rather than float32.
        steps: number of steps, at most 20.
        conditions: size of the gradients and the learning rates.

    Returns:
        The update and each state slot after each step, each of shape `(steps, 3, 12)`.
    """
    probe = _probes()
    gradients = probe.gradients[:steps] * (1 + nudge) * conditions.gradients
    moved = probe._replace(gradients=gradients, schedule=conditions.schedule()[:steps])
    return run(program, moved, precise)


def agree(
    first: Program,
    second: Program,
    names: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    *,
    conditions: Conditions = USUAL,
) -> bool:
    """Whether two programs give the same updates and the same values in state slots.

    Args:
        first: a valid program.
        second: another one.
        names: slots of the first program that are compared, with their names in the second.
        tolerance: relative tolerance; `GUARDED` if the guard in `/` may make a difference.
        conditions: size of the gradients and the learning rates.
    """
    pairs = {UPDATE: UPDATE} | dict(names or {})
    one, other = (trace(program, precise=False, conditions=conditions) for program in (first, second))
    if any(np.any(np.isfinite(one[name]) != np.isfinite(other[pairs[name]])) for name in pairs):
        return False
    one, other = (trace(program, conditions=conditions) for program in (first, second))
    apart = _first([_parted(one[name], other[pairs[name]], tolerance) for name in pairs])
    if np.all(apart == STEPS):
        return True
    nudged = [trace(first, sign * _NUDGE, conditions=conditions) for sign in (1, -1)]
    amplified = _first([_parted(one[name], moved[name], tolerance / 10) for moved in nudged for name in pairs])
    return bool(np.all(apart >= amplified))


def _first(steps: list[np.ndarray]) -> np.ndarray:
    first: np.ndarray = np.min(np.stack(steps), axis=0)
    return first


def _parted(one: np.ndarray, other: np.ndarray, tolerance: float) -> np.ndarray:
    """The first step at which two traces differ, for each start; the number of steps if they agree."""
    finite = np.where(np.isfinite(one), np.abs(one), 0.0)
    scale = np.max(finite, axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        same = (np.abs(one - other) <= tolerance * np.abs(one) + _FLOOR * scale) | (one == other)
    same |= np.isnan(one) & np.isnan(other)
    bad = ~np.all(same, axis=2)
    parted: np.ndarray = np.where(np.any(bad, axis=0), np.argmax(bad, axis=0), len(one))
    return parted


@cache
def _probes() -> Probe:
    starts = [_probe(start) for start in range(STARTS)]
    weights, gradients = (np.stack([start[place] for start in starts], axis=place) for place in (0, 1))
    return Probe(weights, gradients, USUAL.schedule(), _SIZES)


def _probe(start: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(start)
    size = sum(_SIZES)
    scales = 10.0 ** generator.uniform(-1.5, 0.5, size=size)
    weights = generator.normal(size=size)
    gradients = np.exp(generator.normal(size=(STEPS, size)) / 2) * generator.choice([-1, 1], (STEPS, size)) * scales
    return weights, gradients
