"""Found by program search: candidate 899 of repeat 0 with its constants tuned, simplified; fitness 0.1590 on seeds that the search did not use.

    def train(w, g, m, v, lr):
        x1 = sqrt(v)
        update = interp(g, m, 0.62)
        update = update / x1
        decay = w * 0.19
        update = update + decay
        update = clip(update, 3.1)
        rate = lr * 0.133
        update = update * rate
        m = interp(g, m, 0.84)
        g2 = square(g)
        v = interp(g2, v, 0.96)
        return update, m, v

Exported by optsearch 0.1.0; needs jax and optax alone. Memory: 2 arrays for each parameter array (m, v)
and a step counter. Updates have the sign of descent, as `optax.apply_updates` expects.

Example:
    optimizer = discovered(learning_rate=0.133)
    state = optimizer.init(params)
    gradients = jax.grad(loss)(params)
    updates, state = optimizer.update(gradients, state, params)
    params = optax.apply_updates(params, updates)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Scalar = float | jax.Array | Callable[[jax.Array], Any]


class DiscoveredState(NamedTuple):
    """State of the optimizer; m and v shaped like the parameters."""

    count: jax.Array  # steps taken, shape (), int32
    m: optax.Updates
    v: optax.Updates


def discovered(
    *,
    schedule: Scalar = 1.0,
    beta1: Scalar = 0.62,
    weight_decay: Scalar = 0.19,
    c3: Scalar = 3.1,
    learning_rate: Scalar = 0.133,
    beta2: Scalar = 0.84,
    beta3: Scalar = 0.96,
    state_dtype: Any = None,
) -> optax.GradientTransformationExtraArgs:
    """Return an optax transformation.

    Hyperparameters are numbers, arrays, or functions of the step.

    Args:
        schedule: factor that the program calls `lr`, such as a warm-up followed by a decay.
        beta1: 0.62 in the program.
        weight_decay: 0.19 in the program.
        c3: 3.1 in the program.
        learning_rate: 0.133 in the program.
        beta2: 0.84 in the program.
        beta3: 0.96 in the program.
        state_dtype: dtype of the state; by default float32, or the dtype of the parameter where that is wider.
    """

    def init(params: optax.Params) -> DiscoveredState:
        def zeros(x: Any) -> jax.Array:
            return jnp.zeros_like(x, dtype=_wide_dtype(x) if state_dtype is None else state_dtype)

        return DiscoveredState(
            count=jnp.zeros([], jnp.int32),
            m=jax.tree.map(zeros, params),
            v=jax.tree.map(zeros, params),
        )

    def update(
        updates: optax.Updates, state: DiscoveredState, params: optax.Params | None = None, **extra_args: Any
    ) -> tuple[optax.Updates, DiscoveredState]:
        del extra_args
        if params is None:
            raise ValueError("the program reads the weights; give `params` to `update`")
        scalars = [_value(x, state.count) for x in (schedule, beta1, weight_decay, c3, learning_rate, beta2, beta3)]
        leaves, structure = jax.tree.flatten(updates, is_leaf=lambda x: x is None)
        present = [x is not None for x in leaves]
        trees = [structure.flatten_up_to(tree) for tree in (params, updates, state.m, state.v)]
        arrays = [[_wide(x) for x, here in zip(tree, present, strict=True) if here] for tree in trees]
        results = _program(*scalars, *arrays)
        after = DiscoveredState(
            count=state.count + (state.count < jnp.iinfo(jnp.int32).max),
            m=jax.tree.unflatten(structure, _filled(results[1], trees[2], present)),
            v=jax.tree.unflatten(structure, _filled(results[2], trees[3], present)),
        )
        return jax.tree.unflatten(structure, _filled([-x for x in results[0]], leaves, present)), after

    return optax.GradientTransformationExtraArgs(init, update)


def _program(lr, beta1, weight_decay, c3, learning_rate, beta2, beta3, w, g, m, v):
    """Return the step to subtract and the next state, for the list of all parameter arrays."""
    x1 = [jnp.sqrt(jnp.abs(v)) for v in v]
    update = [(1 - beta1) * g + beta1 * m for g, m in zip(g, m, strict=True)]
    update = [update / (x1 + 1e-8) for update, x1 in zip(update, x1, strict=True)]
    decay = [w * weight_decay for w in w]
    update = [update + decay for update, decay in zip(update, decay, strict=True)]
    update = _clip(update, c3)
    rate = lr * learning_rate
    update = [update * rate for update in update]
    m = [(1 - beta2) * g + beta2 * m for g, m in zip(g, m, strict=True)]
    g2 = [jnp.square(g) for g in g]
    v = [(1 - beta3) * g2 + beta3 * v for g2, v in zip(g2, v, strict=True)]
    return update, m, v


def _value(x: Scalar, count: jax.Array) -> jax.Array:
    return jnp.asarray(x(count) if callable(x) else x, jnp.float32)


def _wide_dtype(x: Any) -> Any:
    """Return the dtype to compute in: at least float32, in which the program was found."""
    return jnp.promote_types(jnp.result_type(x), jnp.float32)


def _wide(x: Any) -> jax.Array:
    return jnp.asarray(x, _wide_dtype(x))


def _filled(new: Any, old: list[Any], present: list[bool]) -> list[Any]:
    """Return the new arrays in the dtype of the old ones; where there is no gradient, the old ones."""
    supply = iter(new)
    return [_narrow(next(supply), x) if here else x for x, here in zip(old, present, strict=True)]


def _narrow(x: jax.Array, like: Any) -> jax.Array:
    dtype = jnp.result_type(like)
    return x.astype(dtype) if jnp.issubdtype(dtype, jnp.inexact) else x


def _global_norm(x):
    """Return the square root of the sum of squares over all arrays."""
    return jnp.sqrt(sum(jnp.sum(each * each) for each in x))


def _clip(x, most):
    """Scale arrays down to a global norm, where theirs is larger; zeros stay zeros."""
    norm = _global_norm(x)
    factor = jnp.minimum(1.0, most / jnp.where(norm == 0, 1.0, norm))
    factor = jnp.where(norm == 0, jnp.where(most > 0, 1.0, 0.0), factor)
    return [each * factor for each in x]
