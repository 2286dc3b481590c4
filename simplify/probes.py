"""Do two programs do the same? Both run on fixed probes, and their updates and states are compared step by step.

Values are compared in float64, so that what counts is what the programs compute and not how they round: `v + 3 - 3`
is `v`, although float32 loses half of its digits on the way. In float32 both must be finite at the same places.
Gradients have very different sizes from one weight to the next but are far from the guard 1e-8 in `/`, and weights
follow the updates. Where programs part, it is asked whether the first one parts from itself as much when its
gradients move by a rounding error: near a jump or a pole of some function, rounding is amplified without bound, and
that is not a difference between the programs.
"""

from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np

from primitives import UPDATE, Program
from simplify.numeric import Probe, run

STEPS = 20
STARTS = 3
_SIZES = (5, 3, 4)  # parameter arrays
TOLERANCE = 2e-4  # relative; twenty steps of float32 are within 1e-5
GUARDED = 1e-2  # relative; a value of 1e-6 moves as much by the guard 1e-8
_FLOOR = 2e-5  # of the largest value of the step: what is left where large values cancel
_SMALL = 0.03  # gradients of some 1e-3
_NUDGE = 3e-7  # a few units in the last place of a float32


@lru_cache(maxsize=256)
def trace(
    program: Program, nudge: float = 0.0, precise: bool = True, steps: int = STEPS, small: bool = False
) -> dict[str, np.ndarray]:
    """The update and every state slot after each step, each of shape `(steps, 3, 12)`, for three starts.

    Args:
        program: a valid program.
        nudge: relative change of the gradients.
        precise: whether to compute in float64 rather than float32.
        steps: how many there are, 20 at most.
        small: whether gradients are small and the learning rate falls from 1e-2 to 1e-6 rather than from 1 to 0.2.
    """
    probe = _probes()
    schedule = np.geomspace(1e-2, 1e-6, STEPS) if small else probe.schedule
    gradients = probe.gradients[:steps] * (1 + nudge) * (_SMALL if small else 1)
    moved = probe._replace(gradients=gradients, schedule=schedule[:steps])
    return run(program, moved, precise)


def agree(
    first: Program,
    second: Program,
    names: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    *,
    small: bool = False,
) -> bool:
    """Whether two programs give the same updates, and the same values in state slots.

    Args:
        first: a valid program.
        second: another.
        names: what slots of the first are called in the second; slots that are not named are not compared.
        tolerance: relative; `GUARDED` where the guard in `/` may make a difference.
        small: whether to use small gradients and learning rates.
    """
    pairs = {UPDATE: UPDATE} | dict(names or {})
    one, other = (trace(program, precise=False, small=small) for program in (first, second))
    if any(np.any(np.isfinite(one[name]) != np.isfinite(other[pairs[name]])) for name in pairs):
        return False
    one, other = (trace(program, small=small) for program in (first, second))
    apart = _first([_parted(one[name], other[pairs[name]], tolerance) for name in pairs])
    if np.all(apart == STEPS):
        return True
    nudged = [trace(first, sign * _NUDGE, small=small) for sign in (1, -1)]
    amplified = _first([_parted(one[name], moved[name], tolerance / 10) for moved in nudged for name in pairs])
    return bool(np.all(apart >= amplified))


def _first(steps: list[np.ndarray]) -> np.ndarray:
    first: np.ndarray = np.min(np.stack(steps), axis=0)
    return first


def _parted(one: np.ndarray, other: np.ndarray, tolerance: float) -> np.ndarray:
    """The first step at which two traces differ, for each start; their length where they never do."""
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
    return Probe(weights, gradients, np.linspace(1, 0.2, STEPS), _SIZES)


def _probe(start: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(start)
    size = sum(_SIZES)
    scales = 10.0 ** generator.uniform(-1.5, 0.5, size=size)
    weights = generator.normal(size=size)
    gradients = np.exp(generator.normal(size=(STEPS, size)) / 2) * generator.choice([-1, 1], (STEPS, size)) * scales
    return weights, gradients
