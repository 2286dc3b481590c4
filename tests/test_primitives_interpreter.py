"""The interpreter, XLA and optax agree; one compilation serves a whole size class."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings

from primitives import BUILTINS, Program, builtin, parse
from primitives.interpreter import SMALLEST_CLASS, Encoded, compiled, encode, interpreted, run_steps, size_class
from primitives.program import PEAK
from tests.programs import SIZES, path, probe, programs, xla_path

STEPS = 100


def without_bias_correction(transform: optax.GradientTransformation) -> optax.GradientTransformation:
    """Start the step counter of a transformation where its bias correction is 1."""

    def init(params: optax.Params) -> optax.OptState:
        return transform.init(params)._replace(count=jnp.int32(10**6))

    return optax.GradientTransformation(init, transform.update)


REFERENCES: dict[str, Callable[[], optax.GradientTransformation]] = {
    "sgd": lambda: optax.sgd(0.1),
    "momentum": lambda: optax.sgd(0.01, momentum=0.9),
    "adagrad": lambda: optax.adagrad(0.01, initial_accumulator_value=0.0, eps=0.0),
    "rmsprop": lambda: optax.rmsprop(0.001, decay=0.9, eps=1e-8, eps_in_sqrt=False),
    "adam": lambda: optax.chain(
        without_bias_correction(optax.scale_by_adam(0.9, 0.999, eps=1e-8)), optax.scale(-0.001)
    ),
    "adamw": lambda: optax.chain(
        without_bias_correction(optax.scale_by_adam(0.9, 0.999, eps=1e-8)),
        optax.add_decayed_weights(0.01),
        optax.scale(-0.001),
    ),
    "adabelief": lambda: optax.chain(
        without_bias_correction(optax.scale_by_belief(0.9, 0.999, eps=1e-8, eps_root=0.0)), optax.scale(-0.001)
    ),
    "signum": lambda: optax.chain(optax.ema(0.9, debias=False), optax.scale_by_sign(), optax.scale(-0.0001)),
    "lion": lambda: optax.lion(0.0001, b1=0.9, b2=0.99, weight_decay=0.1),
}


def optax_path(transform: optax.GradientTransformation) -> np.ndarray:
    """Weights after each step of an optax optimizer on the probe, the schedule multiplying the update."""
    weights, gradients, schedule = probe(STEPS)
    state = transform.init(weights)
    steps = []
    for gradient, rate in zip(gradients, schedule, strict=True):
        update, state = transform.update(gradient, state, weights)
        weights = weights + rate / PEAK * update
        steps.append(np.asarray(weights))
    return np.stack(steps)


@pytest.mark.parametrize("way", [path, xla_path])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_builtin_follows_optax_step_by_step(name: str, way: Callable[[Program, int], np.ndarray]) -> None:
    found = way(builtin(name), STEPS)
    np.testing.assert_allclose(found, optax_path(REFERENCES[name]()), rtol=2e-5, atol=2e-6)


def test_every_builtin_of_the_literature_has_a_reference_in_optax() -> None:
    assert set(REFERENCES) == set(BUILTINS) - {"lion_raw"}


@settings(max_examples=25)
@given(programs)
def test_the_interpreter_agrees_with_xla(program: Program) -> None:
    found, expected = path(program, 4), xla_path(program, 4)
    # A value near a pole or a jump of some function may amplify rounding without bound: where a weight is off, the
    # program must be one whose own weights move as much when the gradients move by a rounding error.
    off = ~np.isclose(found, expected, rtol=1e-4, atol=1e-5, equal_nan=True)
    if np.any(off):
        weights, gradients, schedule = probe(4)
        nudged = run_steps(compiled(program, SIZES), weights, gradients * (1 + 2e-7), schedule)
        assert not np.allclose(nudged, expected, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_the_seeds_of_a_batch_do_not_see_each_other() -> None:
    lines = ("n = norm(g)", "t = dot(g, w)", "n = n * g", "update = n * t")
    program = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))
    weights, gradients, schedule = probe(5)
    stacked = jnp.stack([weights, 2 * weights])
    rule = interpreted(encode(program), SIZES)
    together = run_steps(rule, stacked, jnp.stack([gradients, 3 * gradients], axis=1), schedule)
    alone = run_steps(rule, 2 * weights, 3 * gradients, schedule)
    np.testing.assert_allclose(together[:, 1], alone, rtol=1e-6)


def test_only_the_live_part_is_encoded_and_dead_slots_stay_zero() -> None:
    program = parse(
        "def train(w, g, m, v, lr):\n    x = sign(w)\n    update = g * lr\n    v = cosh(x)\n    return update, m, v"
    )
    encoded = encode(program)
    assert encoded.length == 1
    rule = interpreted(encoded, SIZES)
    weights, gradients, _ = probe(1)
    _, state = rule.update(weights, gradients[0], rule.init(weights), jnp.float32(1))
    np.testing.assert_array_equal(state[1], 0)


@pytest.mark.parametrize(("statements", "room"), [(1, 16), (16, 16), (17, 32), (33, 64)])
def test_the_size_class_is_the_power_of_two_that_holds_the_live_part(statements: int, room: int) -> None:
    lines = "".join("    g = tanh(g)\n" for _ in range(statements - 1))
    program = parse(f"def train(w, g, m, v, lr):\n{lines}    update = g * lr\n    return update, m, v\n")
    assert size_class(program) == room >= SMALLEST_CLASS
    assert encode(program).operations.shape == (room,)


def test_one_compilation_serves_every_program_of_a_size_class() -> None:
    traced = []

    @jax.jit
    def run(encoded: Encoded, weights: jax.Array, gradients: jax.Array, schedule: jax.Array) -> jax.Array:
        traced.append(encoded.operations.shape)
        return run_steps(interpreted(encoded, SIZES), weights, gradients, schedule)

    found = {name: np.asarray(run(encode(builtin(name)), *probe(3))) for name in BUILTINS}
    assert traced == [(SMALLEST_CLASS,)]
    for name, weights in found.items():
        np.testing.assert_allclose(weights, xla_path(builtin(name), 3), rtol=1e-5, atol=1e-6)


def test_a_compiled_program_keeps_no_more_state_than_it_uses() -> None:
    weights, _, _ = probe(1)
    assert len(compiled(builtin("lion"), SIZES).init(weights)) == 1
    assert len(compiled(builtin("adamw"), SIZES).init(weights)) == 2
    assert compiled(builtin("sgd"), SIZES).init(weights) == ()
