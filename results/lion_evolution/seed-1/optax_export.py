"""Found by program search: candidate 2554 of repeat 3 with its constants tuned, simplified; fitness 0.1173 on seeds that the search did not use.

    def train(w, g, m, v, lr):
        m = interp(g, m, 0.82)
        x1 = sign(m)
        update = min(0.155, w)
        update = arcsinh(update)
        update = update + x1
        rate = lr * 0.007
        update = update * rate
        return update, m, v

Exported by optsearch 0.1.0; needs jax and optax alone. The weights are subtracted from as optax expects: the
updates have the sign of descent. Memory: 1 array for each parameter array (m) and a step counter.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Scalar = float | jax.Array | Callable[[jax.Array], Any]


class DiscoveredState(NamedTuple):
    """State; m shaped like the parameters and of their dtype."""

    count: jax.Array  # steps taken, shape (), int32
    m: optax.Updates


def discovered(
    schedule: Scalar = 1.0,
    beta1: Scalar = 0.82,
    c2: Scalar = 0.155,
    learning_rate: Scalar = 0.007,
) -> optax.GradientTransformationExtraArgs:
    """An optax transformation; every argument may be a number, an array, or a function of the step.

    Args:
        schedule: what the program calls `lr`, a multiplier whose peak is 1 (such as a warm-up and a decay).
        beta1: found as 0.82.
        c2: found as 0.155.
        learning_rate: found as 0.007.
    """
    arguments = (schedule, beta1, c2, learning_rate)

    def init(params: optax.Params) -> DiscoveredState:
        return DiscoveredState(
            jnp.zeros([], jnp.int32),
            jax.tree.map(jnp.zeros_like, params),
        )

    def update(
        updates: optax.Updates, state: DiscoveredState, params: optax.Params | None = None, **extra_args: Any
    ) -> tuple[optax.Updates, DiscoveredState]:
        del extra_args
        if params is None:
            raise ValueError("discovered reads the weights: give `params` to `update`.")
        lr, beta1, c2, learning_rate = (
            jnp.asarray(x(state.count) if callable(x) else x, jnp.float32) for x in arguments
        )
        leaves, structure = jax.tree.flatten(updates)

        def step(lr, w, g, m):
            w, g, m = map(_wide, (w, g, m))
            m = (1 - beta1) * g + beta1 * m
            x1 = jnp.sign(m)
            update = jnp.minimum(c2, w)
            update = jnp.arcsinh(update)
            update = update + x1
            rate = lr * learning_rate
            update = update * rate
            return update, m

        arrays = zip(jax.tree.leaves(params), leaves, jax.tree.leaves(state.m), strict=True)
        results = tuple(zip(*(step(lr, *each) for each in arrays), strict=True)) or ((),) * 2
        down = [(-x).astype(leaf.dtype) for x, leaf in zip(results[0], leaves, strict=True)]
        m_old = jax.tree.leaves(state.m)
        m_new = [x.astype(old.dtype) for x, old in zip(results[1], m_old, strict=True)]
        after = DiscoveredState(
            state.count + 1,
            jax.tree.unflatten(structure, m_new),
        )
        return jax.tree.unflatten(structure, down), after

    return optax.GradientTransformationExtraArgs(init, update)


def _wide(x: jax.Array) -> jax.Array:
    """At least float32, in which the program was found."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
