"""Probes and twins: programs that compute the same are found, programs that do not are kept apart."""

import numpy as np
import pytest

from primitives import PAPER, REGISTRY, builtin, functional_hash
from primitives.builtins import BUILTINS
from primitives.interpreter import size_class
from primitives.probe import NUMBERS, TOGETHER, signature, signatures
from search.algorithms.mutation import Mutator
from search.engine.duplicates import TOLERANCE, Twins
from search.engine.randomness import Draws
from tests.programs import train

SAME = {
    "sign by division": (("s = m * m", "s = sqrt(s)", "update = m / s"), ("update = sign(m)",)),
    "sign by abs": (("s = abs(m)", "update = m / s"), ("update = sign(m)",)),
    "a constant taken out": (("x = g * 0.5", "update = x * 0.2"), ("update = g * 0.1",)),
    "interpolation by hand": (("x = g * 0.1", "y = m * 0.9", "update = x + y"), ("update = interp(g, m, 0.9)",)),
    "squares": (("x = square(g)", "update = sqrt(x)"), ("update = abs(g)",)),
    "an inverse": (("x = arcsinh(g)", "update = sinh(x)"), ("update = g * 1.0",)),
    "a rate that is never cut": (("x = min(lr, 2.0)", "update = g * x"), ("update = g * lr",)),
}
DIFFERENT = {
    "a constant in the third digit": (("update = g * 0.1",), ("update = g * 0.1005",)),
    "a sign": (("update = g * 0.1",), ("update = g * -0.1",)),
    "abs": (("update = g * 0.1",), ("x = abs(g)", "update = x * 0.1")),
    "decay": (("update = g * 0.1",), ("x = w * 0.001", "y = g * 0.1", "update = x + y")),
    "a rate that is cut": (("x = min(lr, 0.9)", "update = g * x"), ("update = g * lr",)),
    "zero gradients": (("x = max(g, 1e-6)", "update = x * 1.0"), ("x = max(g, 0.0)", "update = x * 1.0")),
    "a norm over all weights": (("x = norm(g)", "update = g / x"), ("x = global_norm(g)", "update = g / x")),
    "a rate of averaging": (
        ("v = interp(g, v, 0.99)", "update = sign(v)"),
        ("v = interp(g, v, 0.992)", "update = sign(v)"),
    ),
    "weights that are zero": (
        ("x = sign(w)", "update = g * x"),
        ("x = reciprocal(w)", "x = sign(x)", "update = g * x"),
    ),
    "gradients that are zero now and then": (("x = square(g)", "x = sign(x)", "update = m * x"), ("update = m * 1.0",)),
    "a second memory": (("m = interp(g, m, 0.9)", "update = m * 1.0"), ("m = interp(g, m, 0.91)", "update = m * 1.0")),
}


def memory(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines if any(line.startswith("m = ") for line in lines) else ("m = interp(g, m, 0.9)", *lines)


@pytest.mark.parametrize("case", SAME)
def test_what_computes_the_same_is_found(case: str) -> None:
    one, other = (train(*memory(lines)) for lines in SAME[case])
    assert functional_hash(one) != functional_hash(other)
    twins = Twins()
    twins.add(5, signature(one))
    assert twins.find(signature(other)) == 5


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_is_kept_apart(case: str) -> None:
    one, other = (train(*memory(lines)) for lines in DIFFERENT[case])
    twins = Twins()
    twins.add(5, signature(one))
    assert twins.find(signature(other)) is None


def test_the_known_optimizers_are_all_different() -> None:
    twins = Twins()
    alike = {}
    for number, name in enumerate(BUILTINS):
        found = twins.find(signature(builtin(name)))
        if found is not None:
            alike[name] = list(BUILTINS)[found]
        twins.add(number, signature(builtin(name)))
    assert alike == {}


def test_of_several_twins_the_first_is_named() -> None:
    twins = Twins()
    for number in (7, 3, 9):
        twins.add(number, signature(builtin("lion")))
    assert twins.find(signature(builtin("lion"))) == 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_twin(bad: float) -> None:
    probe = np.linspace(1, -1, 1 + NUMBERS, dtype=np.float32)
    twins = Twins()
    twins.add(0, probe)
    assert twins.find(probe) == 0
    probe[:] = bad
    twins.add(1, probe)
    assert twins.find(probe) is None


def test_what_never_moves_has_no_twin() -> None:
    still = signature(train("update = g * 0.0"))
    assert not still.any()
    twins = Twins()
    twins.add(0, still)
    assert twins.find(still) is None


def test_rounding_of_another_machine_makes_no_difference() -> None:
    generator = np.random.default_rng(0)
    mutator = Mutator([REGISTRY[name] for name in PAPER], {"insert": 1, "modify": 1})
    twins, found, candidate = Twins(), 0, builtin("adamw")
    for number in range(200):
        candidate = mutator.child(candidate if number % 20 else builtin("adamw"), Draws(3, number)).program
        probe = signature(candidate)
        if not 0 < probe[0] < np.inf:
            continue
        twins.add(number, probe)
        noise = generator.uniform(-1, 1, probe.shape) * probe[0] * TOLERANCE / 2
        assert twins.find((probe + noise).astype(np.float32)) is not None
        found += 1
    assert found > 100


def test_many_programs_have_the_signatures_that_each_has_alone() -> None:
    many = [train(*[f"update = g * 1.{k:02d}"] + ["update = update * 0.9"] * (k % 20)) for k in range(TOGETHER + 30)]
    many += map(builtin, BUILTINS)
    assert {size_class(one) for one in many} == {16, 32}
    looks = signatures(many)
    for one, look in list(zip(many, looks, strict=True))[::-1]:  # asked for in any order
        assert np.array_equal(look(), signature(one))
    assert len({look().tobytes() for look in looks}) == len(many)
