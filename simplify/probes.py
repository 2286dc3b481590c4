"""Do two programs do the same? Both run on fixed probes, and their updates and states are compared step by step.

Values are compared in float64, so that what counts is what the programs compute and not how they round: `v + 3 - 3`
is `v`, although float32 loses half of its digits on the way. In float32 both must be finite at the same places.
Gradients have very different sizes from one weight to the next but are far from the guard 1e-8 in `/`, and weights
follow the updates. Where programs part, it is asked whether the first one parts from itself as much when its
gradients move by a rounding error: near a jump or a pole of some function, rounding is amplified without bound, and
that is not a difference between the programs.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from threading import Lock, Thread
from typing import Any

import jax
import numpy as np
from jax import Array

from primitives.interpreter import Encoded, encode, interpreted
from primitives.program import UPDATE, Program
from primitives.registry import REGISTRY

STEPS = 20
STARTS = 3
_SIZES = (5, 3, 4)  # parameter arrays
TOLERANCE = 2e-4  # relative; twenty steps of float32 are within 1e-5
GUARDED = 1e-2  # relative; a value of 1e-6 moves as much by the guard 1e-8
_FLOOR = 2e-5  # of the largest value of the step: what is left where large values cancel
_QUICKLY = {"xla_backend_optimization_level": 0}  # to compile takes much longer than to run: half as long like this
_NUDGE = 3e-7  # a few units in the last place of a float32
_COMPILING = {False: Lock(), True: Lock()}  # for each precision: who comes second waits instead of compiling as well


def trace(program: Program, start: int = 0, nudge: float = 0.0, precise: bool = True) -> dict[str, np.ndarray]:
    """The update and every state slot after each of 20 steps, each of shape `(20, 12)`.

    Args:
        program: a valid program.
        start: which of the fixed probes.
        nudge: relative change of the gradients.
        precise: whether to compute in float64 rather than float32.
    """
    weights, gradients, schedule = _probe(start)
    inputs = [x.astype(np.float64 if precise else np.float32) for x in (weights, gradients * (1 + nudge), schedule)]
    with _COMPILING[precise], jax.enable_x64(precise):
        updates, slots = _run(len(REGISTRY))(encode(program), *inputs)
    return dict(zip((UPDATE, *program.slots), [np.asarray(updates), *map(np.asarray, slots)], strict=True))


@contextmanager
def prepared(program: Program) -> Iterator[None]:
    """What `agree` needs for programs of this size class is compiled beside whatever is done meanwhile."""
    threads = [Thread(target=trace, args=(program,), kwargs={"precise": precise}) for precise in (False, True)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:  # a process that ends while XLA compiles would be aborted
            thread.join()


def agree(
    first: Program, second: Program, names: Mapping[str, str] | None = None, tolerance: float = TOLERANCE
) -> bool:
    """Whether two programs give the same updates, and the same values in state slots.

    Args:
        first: a valid program.
        second: another.
        names: what slots of the first are called in the second; slots that are not named are not compared.
        tolerance: relative; `GUARDED` where the guard in `/` may make a difference.
    """
    pairs = {UPDATE: UPDATE} | dict(names or {})
    return all(_agree(first, second, pairs, start, tolerance) for start in range(STARTS))


def _agree(first: Program, second: Program, pairs: Mapping[str, str], start: int, tolerance: float) -> bool:
    with ThreadPoolExecutor(2) as pool:  # the first time both are compiled, which takes most of the time
        traced = pool.map(
            lambda way: [trace(program, start, precise=way) for program in (first, second)], (False, True)
        )
        (one, other), precise = traced
    if any(np.any(np.isfinite(one[name]) != np.isfinite(other[pairs[name]])) for name in pairs):
        return False
    one, other = precise
    apart = [_parted(one[name], other[pairs[name]], tolerance) for name in pairs]
    if min(apart) == STEPS:
        return True
    nudged = [trace(first, start, sign * _NUDGE) for sign in (1, -1)]
    return min(apart) >= min(_parted(one[name], moved[name], tolerance / 10) for moved in nudged for name in pairs)


def _parted(one: np.ndarray, other: np.ndarray, tolerance: float) -> int:
    """The first step at which two traces differ; their length if they never do."""
    finite = np.where(np.isfinite(one), np.abs(one), 0.0)
    scale = np.max(finite, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        same = (np.abs(one - other) <= tolerance * np.abs(one) + _FLOOR * scale) | (one == other)
    same |= np.isnan(one) & np.isnan(other)
    bad = np.flatnonzero(~np.all(same, axis=1))
    return int(bad[0]) if len(bad) else len(one)


def _probe(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(start)
    size = sum(_SIZES)
    scales = 10.0 ** generator.uniform(-1.5, 0.5, size=size)
    weights = generator.normal(size=size)
    gradients = np.exp(generator.normal(size=(STEPS, size)) / 2) * generator.choice([-1, 1], (STEPS, size)) * scales
    schedule = np.linspace(1, 0.2, STEPS)
    return weights, gradients, schedule


@cache
def _run(functions: int) -> Any:  # noqa: ANN401 - a function that XLA has compiled
    """The compiled loop for any encoded program; compiled again where the language has other functions."""

    @partial(jax.jit, compiler_options=_QUICKLY)
    def run(encoded: Encoded, weights: Array, gradients: Array, schedule: Array) -> Any:  # noqa: ANN401 - a pytree
        rule = interpreted(encoded, _SIZES)

        def step(carry: Any, inputs: tuple[Array, Array]) -> Any:  # noqa: ANN401 - a pytree
            weights, state = carry
            update, state = rule.update(weights, inputs[0], state, inputs[1])
            return (weights - update, state), (update, state[:-1])

        _, traced = jax.lax.scan(step, (weights, rule.init(weights)), (gradients, schedule))
        return traced

    return run
