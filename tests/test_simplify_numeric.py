"""Programs run by NumPy do what the interpreter does."""

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import BUILTINS, REGISTRY, Program, builtin, parse
from primitives.interpreter import compiled, run_steps
from primitives.kinds import ONLY_SCALAR
from simplify.numeric import _WHOLE, Probe, run
from tests.programs import SIZES, mutant, probe

_STEPS = 12


def _call(name: str) -> Program:
    row = REGISTRY[name]
    pairs = zip(row.accepts, "gw.", strict=False)
    call = f"{name}({', '.join('0.3' if kinds == ONLY_SCALAR else letter for kinds, letter in pairs)})"
    lines = ("def train(w, g, m, v, lr):", f"u = {call}", "t = u + g", "update = t * lr", "return update, m, v")
    return parse("\n    ".join(lines))


def _weights(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """Weights after each step through XLA and through NumPy, each of shape `(12, 13)`."""
    weights, gradients, schedule = probe(_STEPS)
    expected = np.asarray(run_steps(compiled(program, SIZES), weights, gradients, schedule))
    inputs = Probe(np.asarray(weights)[None], np.asarray(gradients)[:, None], np.asarray(schedule), SIZES)
    updates = run(program, inputs, precise=False)["update"][:, 0]
    with np.errstate(all="ignore"):
        return expected, np.asarray(weights) - np.cumsum(updates, axis=0, dtype=np.float32)


@pytest.mark.parametrize("name", [row.name for row in REGISTRY])
def test_each_function_is_that_of_the_interpreter(name: str) -> None:
    expected, found = _weights(_call(name))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["cosine_sim", "clip"])
def test_the_limits_at_a_norm_of_zero_are_those_of_the_registry(name: str) -> None:
    row = REGISTRY[name]
    zero, some = np.zeros((1, 13)), np.linspace(-1.0, 1.0, 13)[None]
    for x in (zero, some):
        for other in (zero, some) if name == "cosine_sim" else (np.array(0.0), np.array(-1.0), np.array(0.5)):
            expected = np.asarray(row.call([jnp.asarray(x[0]), jnp.asarray(np.squeeze(other))], SIZES))
            found = np.broadcast_to(_WHOLE[name](SIZES)(x, other), (1, 13))[0]
            np.testing.assert_allclose(found, np.broadcast_to(expected, 13), rtol=1e-6)


@pytest.mark.parametrize("name", BUILTINS)
def test_state_passes_from_step_to_step(name: str) -> None:
    expected, found = _weights(builtin(name))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_mutants_agree_at_the_first_step() -> None:
    for seed in range(40):
        expected, found = _weights(mutant(BUILTINS[seed % len(BUILTINS)], seed, 5))
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-3, atol=1e-3)
