"""Signs, ranges, saturation and scales under a sign: found by what functions do, and not by their names."""

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import Primitive, Property, builtin, register, structure_hash
from primitives.kinds import ANY
from simplify import simplify
from simplify.ranges import range_of
from simplify.recognition import recognise
from simplify.rule import Exactness
from simplify.terms import Graph
from tests.programs import train
from tests.tangles import SIGNED, sign_tangle


def test_fifty_tangles_of_signs_come_back_and_none_is_taken_for_another_optimizer() -> None:
    back = 0
    for name in SIGNED:
        wanted = simplify(builtin(name)).program
        constants = [value for *_, value in wanted.constants()]
        for seed in range(25):
            tangled = sign_tangle(name, seed)
            found = simplify(tangled).program
            back += structure_hash(found) == structure_hash(wanted) and np.allclose(
                [value for *_, value in found.constants()], constants, rtol=1e-4
            )
            answer = recognise(tangled)
            assert answer is None or answer.name == name, (name, seed)
    assert back >= 48


SATURATED = {
    "tanh": ["a = m * 3.5e16", "a = tanh(a)"],
    "tanh of a negative multiple": ["a = m * -3.5e16", "a = tanh(a)", "a = a * -1.0"],
    "arctan": ["a = m * 3e20", "a = arctan(a)", "a = a * 0.6366197724"],
    "a root of a square and next to nothing": ["a = square(m)", "a = a + 1e-24", "a = sqrt(a)", "a = m / a"],
    "a maximum with next to nothing": ["a = abs(m)", "a = max(a, 1e-30)", "a = m / a"],
    "a minimum that is never met": ["a = m * 1e30", "a = min(a, 1e20)", "a = tanh(a)"],
    "a root of a root": ["a = cbrt(m)", "a = cbrt(a)", "a = a * 1e15", "a = tanh(a)"],
    "arcsinh": ["a = arcsinh(m)", "a = a * 1e15", "a = tanh(a)"],
}


@pytest.mark.parametrize("lines", SATURATED.values(), ids=SATURATED)
def test_what_is_a_sign_for_all_that_float32_can_tell_is_called_one(lines: list[str]) -> None:
    found = simplify(train("m = interp(g, m, 0.9)", *lines, "update = a * lr"))
    assert [s.primitive for s in found.program.statements if s.target == "update"] == ["sign", "multiply"]
    assert any(step.exactness == Exactness.FAR for step in found.steps)


def test_what_bends_where_values_are_is_left_alone() -> None:
    for factor in ("3.0", "1e6"):
        found = simplify(train("m = interp(g, m, 0.9)", f"a = m * {factor}", "a = tanh(a)", "update = a * lr"))
        assert "tanh" in [s.primitive for s in found.program.statements]


SCALES = {
    "a factor on an average": (["a = m * 0.67", "a = interp(g, a, 0.853)"], 0.853 * 0.67 / (0.147 + 0.853 * 0.67)),
    "a sum with a multiple": (["a = m * 4.0", "a = a + g"], 0.8),
    "a sum of multiples": (["a = m * 0.3", "b = g * 0.2", "a = a + b"], 0.6),
    "a factor on the gradient": (["a = g * 0.5", "a = interp(a, m, 0.5)"], 2 / 3),
}


@pytest.mark.parametrize(("lines", "beta"), SCALES.values(), ids=SCALES)
def test_scales_under_a_sign_belong_to_the_average(lines: list[str], beta: float) -> None:
    found = simplify(train(*lines, "u = sign(a)", "update = u * lr", "m = interp(g, m, 0.99)")).program
    average = found.statements[0]
    assert [s.primitive for s in found.statements] == ["interp", "sign", "multiply", "interp"]
    *averaged, found_beta = average.arguments
    assert averaged == ["g", "m"]
    assert found_beta == pytest.approx(beta, rel=1e-5)


RANGES = {  # least and largest value, and whether it is never zero
    "x*x + exp(w)": (0.0, np.inf, True),
    "arccos(x)": (0.0, np.pi, False),
    "tanh(x)": (-1.0, 1.0, False),
    "abs(x) + 2": (2.0, np.inf, True),
    "abs(x) - 2": (-2.0, np.inf, False),
    "sign(x) + 1": (0.0, 2.0, False),
    "max(x, 0 - 100) + 100": (0.0, np.inf, False),
    "max(x, 3)": (3.0, np.inf, True),
    "expm1(x)": (-1.0, np.inf, False),
    "arctan(x) - 2": (-2 - np.pi / 2, -2 + np.pi / 2, True),
    "power(x, 4)": (0.0, np.inf, False),
    "x / (abs(w) + 1)": (-np.inf, np.inf, False),
}


@pytest.mark.parametrize(("formula", "expected"), RANGES.items(), ids=RANGES)
def test_ranges(formula: str, expected: tuple[float, float, bool]) -> None:
    from simplify.patterns import build, pattern

    graph = Graph()
    node = build(graph, pattern(formula), {"x": graph.leaf("g"), "w": graph.leaf("w")})
    *ends, without_zero = range_of(graph, node)
    assert ends == pytest.approx(expected[:2])
    assert without_zero == expected[2]


def test_the_sign_of_a_clamped_value_plus_its_bound_stays() -> None:
    lines = ("s = max(g, -100.0)", "s = s + 100.0", "s = sign(s)", "update = g * s")
    assert "sign" in [statement.primitive for statement in simplify(train(*lines)).program.statements]


@pytest.mark.usefixtures("own_registry")
def test_a_function_of_the_users_own_keeps_signs_if_it_increases_through_zero() -> None:
    properties = frozenset({Property.INCREASING})
    register(Primitive("lopsided", lambda x: jnp.where(x > 0, x, x / 9), (ANY,), properties=properties))
    found = simplify(train("a = lopsided(g)", "a = a * 2.0", "a = sign(a)", "update = a * lr")).program
    assert [s.primitive for s in found.statements] == ["sign", "multiply"]
