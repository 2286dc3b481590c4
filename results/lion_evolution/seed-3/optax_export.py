"""Found by program search: candidate 1122 of repeat 5 with its constants tuned, simplified; fitness 0.1088 on seeds that the search did not use.

    def train(w, g, m, v, lr):
        g2 = square(g)
        m = interp(g, m, 0.74)
        v = interp(g2, v, 0.7)
        update = sqrt(v)
        update = m / update
        decay = w * 0.1127
        update = update + decay
        update = sin(update)
        rate = lr * 0.023
        update = update * rate
        return update, m, v

Exported by optsearch 0.1.0; needs jax and optax alone. The weights are subtracted from as optax expects: the
updates have the sign of descent. Memory: 2 arrays for each parameter array (m, v) and a step counter.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Scalar = float | jax.Array | Callable[[jax.Array], Any]


class DiscoveredState(NamedTuple):
    """State; m and v shaped like the parameters and of their dtype."""

    count: jax.Array  # steps taken, shape (), int32
    m: optax.Updates
    v: optax.Updates


def discovered(
    schedule: Scalar = 1.0,
    beta1: Scalar = 0.74,
    beta2: Scalar = 0.7,
    weight_decay: Scalar = 0.1127,
    learning_rate: Scalar = 0.023,
) -> optax.GradientTransformationExtraArgs:
    """An optax transformation; every argument may be a number, an array, or a function of the step.

    Args:
        schedule: what the program calls `lr`, a multiplier whose peak is 1 (such as a warm-up and a decay).
        beta1: found as 0.74.
        beta2: found as 0.7.
        weight_decay: found as 0.1127.
        learning_rate: found as 0.023.
    """
    arguments = (schedule, beta1, beta2, weight_decay, learning_rate)

    def init(params: optax.Params) -> DiscoveredState:
        return DiscoveredState(
            jnp.zeros([], jnp.int32),
            jax.tree.map(jnp.zeros_like, params),
            jax.tree.map(jnp.zeros_like, params),
        )

    def update(
        updates: optax.Updates, state: DiscoveredState, params: optax.Params | None = None, **extra_args: Any
    ) -> tuple[optax.Updates, DiscoveredState]:
        del extra_args
        if params is None:
            raise ValueError("discovered reads the weights: give `params` to `update`.")
        lr, beta1, beta2, weight_decay, learning_rate = (
            jnp.asarray(x(state.count) if callable(x) else x, jnp.float32) for x in arguments
        )
        leaves, structure = jax.tree.flatten(updates)

        def step(lr, w, g, m, v):
            w, g, m, v = map(_wide, (w, g, m, v))
            g2 = jnp.square(g)
            m = (1 - beta1) * g + beta1 * m
            v = (1 - beta2) * g2 + beta2 * v
            update = jnp.sqrt(jnp.abs(v))
            update = m / (update + 1e-8)
            decay = w * weight_decay
            update = update + decay
            update = jnp.sin(update)
            rate = lr * learning_rate
            update = update * rate
            return update, m, v

        arrays = zip(jax.tree.leaves(params), leaves, jax.tree.leaves(state.m), jax.tree.leaves(state.v), strict=True)
        results = tuple(zip(*(step(lr, *each) for each in arrays), strict=True)) or ((),) * 3
        down = [(-x).astype(leaf.dtype) for x, leaf in zip(results[0], leaves, strict=True)]
        m_old = jax.tree.leaves(state.m)
        m_new = [x.astype(old.dtype) for x, old in zip(results[1], m_old, strict=True)]
        v_old = jax.tree.leaves(state.v)
        v_new = [x.astype(old.dtype) for x, old in zip(results[2], v_old, strict=True)]
        after = DiscoveredState(
            state.count + 1,
            jax.tree.unflatten(structure, m_new),
            jax.tree.unflatten(structure, v_new),
        )
        return jax.tree.unflatten(structure, down), after

    return optax.GradientTransformationExtraArgs(init, update)


def _wide(x: jax.Array) -> jax.Array:
    """At least float32, in which the program was found."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
