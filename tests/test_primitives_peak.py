"""A program relative to the peak of the learning rate moves weights as the program itself does."""

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import BUILTINS, Program, builtin, parse
from primitives.interpreter import compiled, run_steps
from primitives.peak import relative_to_peak
from primitives.program import LEARNING_RATE, PEAK, Statement, float32
from tests.programs import SIZES, probe


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


@pytest.mark.parametrize(
    "program",
    [
        *map(builtin, BUILTINS),
        text("m = interp(g, m, lr)", "lr = lr * 3.0", "update = m * lr"),
        text("a = lr * 3.0", "b = 0.5 * lr", "u = g * a", "d = w * b", "update = u + d"),
        text("update = g * lr"),
        text("lr = 0.3 * 0.1", "update = g * lr"),
    ],
)
def test_the_updates_are_those_of_the_program(program: Program) -> None:
    weights, gradients, schedule = probe(8)
    expected = run_steps(compiled(program, SIZES), weights, gradients, schedule * PEAK)
    found = run_steps(compiled(relative_to_peak(program), SIZES), weights, gradients, jnp.asarray(schedule))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_constants_take_up_the_peak_where_the_rate_is_read_as_a_factor_alone() -> None:
    lion = relative_to_peak(builtin("lion"))
    assert [value for *_, value in lion.constants()][-1] == float32(0.0001)
    assert len(lion.statements) == len(builtin("lion").statements)
    clipped = relative_to_peak(builtin("lion_raw"))
    assert clipped.statements[0] == Statement(LEARNING_RATE, "multiply", (LEARNING_RATE, float32(PEAK)))
    unread = text("update = g * 0.1")
    assert relative_to_peak(unread) == unread
