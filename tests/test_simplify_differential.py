"""Thousands of random mutants do the same as their canonical forms, on inputs that the simplifier never sees."""

import os
from functools import cache

import numpy as np

from primitives import BUILTINS, Program, live_part, parse
from primitives.program import UPDATE
from simplify import simplify
from simplify.numeric import Probe, run
from simplify.rule import Exactness
from simplify.work import SEARCH
from tests.programs import mutant

MUTANTS = int(os.environ.get("OPTSEARCH_MUTANTS", "2000"))
STEPS, RUNS, SIZES = 12, 3, (4, 3, 5)
CLOSE, NUDGE = 2e-2, 1e-6


@cache
def _inputs(nudge: float = 0.0, largest: float = 1e-2) -> Probe:
    """Gradients of 1e-3 to 1 and falling learning rates; both larger where the largest rate is 1."""
    draws = np.random.default_rng(20240601)
    shape = (STEPS, RUNS, sum(SIZES))
    sizes = 10.0 ** draws.uniform(-3 + (largest == 1), 0, shape[1:]) * np.exp(draws.normal(size=shape) / 2)
    gradients = sizes * draws.choice([-1.0, 1.0], shape) * (1 + nudge)
    return Probe(
        draws.normal(size=shape[1:]),
        gradients,
        np.geomspace(largest, largest / (100 if largest < 1 else 10), STEPS),
        SIZES,
    )


def _first_difference(one: np.ndarray, other: np.ndarray, tolerance: float) -> np.ndarray:
    """The first step, in each run, at which updates differ by more than a part of the largest of the step."""
    with np.errstate(all="ignore"):
        scale = np.nanmax(np.where(np.isfinite(one), np.abs(one), 0.0), axis=2, keepdims=True)
        same = (np.abs(one - other) <= tolerance * (np.abs(one) + 1e-2 * scale)) | (one == other)
    apart = ~np.all(same | (~np.isfinite(one) & ~np.isfinite(other)), axis=2)
    return np.where(np.any(apart, axis=0), np.argmax(apart, axis=0), STEPS)


def _differs(program: Program, simple: Program, largest: float = 1e-2) -> bool:
    """Whether two programs part before rounding errors of the gradients would make the first part from itself."""
    one, other = (run(each, _inputs(0.0, largest))[UPDATE] for each in (program, simple))
    apart = _first_difference(one, other, CLOSE)
    if np.all(apart == STEPS):
        return False
    moved = [run(program, _inputs(sign * NUDGE, largest))[UPDATE] for sign in (1, -1)]
    amplified = np.minimum(*(_first_difference(one, each, CLOSE / 10) for each in moved))
    return bool(np.any(apart < amplified))


def test_mutants_do_the_same_as_their_canonical_forms() -> None:
    different, shorter = [], 0
    for seed in range(MUTANTS):
        program = live_part(mutant(BUILTINS[seed % len(BUILTINS)], 50_000 + seed, 1 + seed % 12))
        found = simplify(program, SEARCH)
        shorter += len(found.program.statements) < len(program.statements)
        guarded = any(step.exactness == Exactness.GUARD for step in found.steps)  # sign(x) for x / |x|, x not near 1e-8
        if _differs(program, found.program, 1.0 if guarded else 1e-2):
            different.append(seed)
    assert shorter > MUTANTS / 4
    assert len(different) <= MUTANTS / 1000, different  # on whom a guard or a pole acts between two probes


GUARDS = {
    "a quotient of small rates": [
        "m = m * 0.9",
        "m = m + g",
        "lr = lr * 0.01",
        "update = m * lr",
        "update = lr / update",
    ],
    "a constant over itself times the rate": [
        *("x9 = sign(g)", "update = sign(x9)", "x5 = 1e-04 * -0.47491062", "lr = lr * x5", "x7 = x5 / lr"),
        "update = update * x7",
    ],
}


def test_no_constant_is_pulled_out_of_a_divisor_where_the_guard_would_act_at_another_size() -> None:
    for lines in GUARDS.values():
        program = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))
        found = simplify(program, SEARCH)
        assert not _differs(program, found.program)
        assert all(step.exactness != Exactness.SHIFTED for step in found.steps)


def test_a_constant_is_pulled_out_of_a_divisor_that_is_far_from_the_guard() -> None:
    lines = [
        "m = interp(g, m, 0.9)",
        "a = abs(m)",
        "a = a + 1.0",
        "a = a * 4.0",
        "update = m / a",
        "update = update * lr",
    ]
    program = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))
    found = simplify(program)
    assert any(step.exactness == Exactness.SHIFTED for step in found.steps)
