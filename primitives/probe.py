"""What a program does to a few fixed weights and gradients: its updates over some steps, in microseconds.

Equal programs have equal updates here up to rounding, however they are written; programs with different updates here
are different. Weights are given at each step rather than moved, so that rounding is not amplified from step to step.
Magnitudes span three decades (a gradient below that drowns in the guard of `/`), some gradients are zero throughout
as those of dead inputs are, and the learning rate falls as a schedule does.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives.interpreter import Encoded, encode, interpreted
from primitives.program import Program
from primitives.registry import REGISTRY

SIZES = (6, 2, 4)  # weights in each of the parameter arrays of the probe
STEPS = 5


def updates(program: Program) -> np.ndarray:
    """The updates of a valid program on the probes, float32, shape `(STEPS * sum(SIZES),)`."""
    return np.asarray(_run(len(REGISTRY), len(program.slots))(encode(program))).ravel()


@cache
def _run(functions: int, slots: int) -> Any:  # noqa: ANN401 - a compiled function
    """Compiled once for each size class, and again when the language has grown."""
    generator = np.random.default_rng(20230213)
    weights, gradients = (
        generator.choice([-1.0, 1.0], shape) * 10 ** generator.uniform(-2, 1, shape)
        for shape in [(STEPS, sum(SIZES))] * 2
    )
    gradients[:, 0] = gradients[:, 7] = 0.0
    inputs = (jnp.float32(weights), jnp.float32(gradients), jnp.linspace(1.0, 0.1, STEPS, dtype=jnp.float32))

    def run(encoded: Encoded) -> Array:
        rule = interpreted(encoded, SIZES)

        def step(state: Any, now: tuple[Array, Array, Array]) -> tuple[Any, Array]:  # noqa: ANN401 - the rule's own state
            weights, gradient, learning_rate = now
            update, state = rule.update(weights, gradient, state, learning_rate)
            return state, update

        return lax.scan(step, rule.init(inputs[0][0]), inputs)[1]

    return jax.jit(run)
