"""Random valid programs for property tests, and helpers that run them on fixed arrays."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from primitives import BUILTINS, ONLY_SCALAR, PAPER, REGISTRY, Program, Statement, builtin, check, parse
from primitives.interpreter import Encoded, compiled, encode, interpreted, run_steps
from search.algorithms.mutation import Mutator
from search.engine.randomness import Draws
from search.settings.config import Mutations

SIZES = (6, 3, 4)  # three parameter arrays, 13 weights
MUTATOR = Mutator([REGISTRY[name] for name in PAPER], Mutations().model_dump())


def train(*lines: str, slots: str = "m, v") -> Program:
    """A program from the lines between its signature and `return`."""
    return parse("\n    ".join([f"def train(w, g, {slots}, lr):", *lines, f"return update, {slots}\n"]))


def calling(name: str) -> Program:
    """A program that calls the function `name` once, on the gradient, the weights, and the rate for scalars."""
    supply = iter(("g", "w", "v"))
    arguments = tuple("lr" if kinds == ONLY_SCALAR else next(supply) for kinds in REGISTRY[name].accepts)
    lines = (Statement("x", name, arguments), Statement("y", "multiply", ("x", "lr")))
    program = Program((*lines, Statement("update", "add", ("y", "w"))))
    assert check(program) is None
    return program


def mutant(name: str, seed: int, mutations: int) -> Program:
    """A built-in after some mutations."""
    program = builtin(name)
    for number in range(mutations):
        program = MUTATOR.child(program, Draws(seed, number)).program
    return program


programs = st.builds(mutant, st.sampled_from(BUILTINS), st.integers(0, 10**6), st.integers(0, 30))


def probe(steps: int, seed: int = 0) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Weights of shape (13,), gradients of shape (steps, 13), and a falling learning rate."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=sum(SIZES)).astype(np.float32)
    gradients = generator.normal(size=(steps, sum(SIZES))).astype(np.float32)
    schedule = np.linspace(1, 0.1, steps, dtype=np.float32)
    return jnp.asarray(weights), jnp.asarray(gradients), jnp.asarray(schedule)


@jax.jit
def _interpreted(encoded: Encoded, weights: jax.Array, gradients: jax.Array, schedule: jax.Array) -> jax.Array:
    return run_steps(interpreted(encoded, SIZES), weights, gradients, schedule)


def path(program: Program, steps: int, seed: int = 0) -> np.ndarray:
    """Weights after each step on the probe through the interpreter, shape (steps, 13)."""
    return np.asarray(_interpreted(encode(program), *probe(steps, seed)))


def xla_path(program: Program, steps: int, seed: int = 0) -> np.ndarray:
    """The same with the program compiled by XLA."""
    return np.asarray(run_steps(compiled(program, SIZES), *probe(steps, seed)))
