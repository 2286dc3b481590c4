"""Optimizers that the claims compare: they compute what their names say."""

import math
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from search.claims.entrants import (
    FACTORIAL,
    FIXED_BETAS,
    PUBLISHED,
    SINGLE_BETA,
    adam_with_third_beta,
    adamw_with_third_beta,
    entrant,
    signum_with_decay,
)


def steps(transformation: optax.GradientTransformation, count: int = 5) -> list[Any]:
    """Parameters after each of some steps on changing gradients."""
    parameters = {"a": jnp.array([1.0, -2.0]), "b": jnp.array([[0.5]])}
    state, found = transformation.init(parameters), []
    for number in range(count):
        gradients = jax.tree.map(lambda leaf, number=number: leaf * math.cos(number) + 0.1, parameters)
        updates, state = transformation.update(gradients, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        found += jax.tree.leaves(parameters)
    return found


@pytest.mark.parametrize(
    ("own", "known"),
    [
        (adam_with_third_beta(0.1, 0.9, 0.9, 0.99), optax.adam(0.1, 0.9, 0.99)),
        (adamw_with_third_beta(0.1, 0.8, 0.8, 0.9, 0.3), optax.adamw(0.1, 0.8, 0.9, weight_decay=0.3)),
    ],
    ids=["adam", "adamw"],
)
def test_adam_with_two_equal_betas_is_adam(own: Any, known: Any) -> None:
    for found, expected in zip(steps(own), steps(known), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6)


def test_the_bias_of_two_betas_is_corrected_at_the_first_step() -> None:
    first = steps(adam_with_third_beta(0.1, 0.8, 0.95, 0.9), 1)
    for found, begin in zip(first, [jnp.array([1.0, -2.0]), jnp.array([[0.5]])], strict=True):
        np.testing.assert_allclose(begin - found, 0.1 * np.sign(begin + 0.1), rtol=1e-5)


def test_signum_with_decay_is_lion_with_one_beta() -> None:
    parameters, gradients = jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 0.25, -1.0])
    own = signum_with_decay(jnp.float32(0.1), 0.5, 0.25)
    state = own.init(parameters)
    updates, state = own.update(gradients, state, parameters)
    np.testing.assert_allclose(updates, -0.1 * (np.sign(gradients) + 0.25 * parameters), rtol=1e-6)
    updates, _ = own.update(-0.6 * gradients, state, parameters)  # the average is (0.5 · 0.5 − 0.5 · 0.6) g < 0
    np.testing.assert_allclose(updates, -0.1 * (-np.sign(gradients) + 0.25 * parameters), rtol=1e-6)


def test_every_optimizer_can_be_trained_and_is_the_same_in_another_process() -> None:
    for name in {*PUBLISHED, *FACTORIAL, *SINGLE_BETA, FIXED_BETAS}:
        one = entrant(name)
        assert one == entrant(name) == pickle.loads(pickle.dumps(one))  # workers get it as bytes
        assert jax.eval_shape(
            lambda one=one: one.rule(jnp.asarray(one.values), (4, 2)).init(jnp.ones((2, 6)))
        ), name  # fmt: skip
