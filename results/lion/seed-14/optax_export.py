"""Found by program search: candidate 1196 of repeat 0 with its constants tuned, simplified; fitness 0.0994 on seeds that the search did not use.

    def train(w, g, m, v, lr):
        lr = lr * 0.01
        update = interp(g, m, 0.59)
        update = sign(update)
        decay = w * 0.4
        update = update + decay
        update = update * lr
        m = interp(g, m, 0.82)
        return update, m, v

Exported by optsearch 0.1.0; needs jax and optax alone. Memory: 1 array for each parameter array (m)
and a step counter. Updates have the sign of descent, as `optax.apply_updates` expects.

Example:
    optimizer = discovered(peak=0.01)
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
    """State of the optimizer; m shaped like the parameters."""

    count: jax.Array  # steps taken, shape (), int32
    m: optax.Updates


def discovered(
    *,
    schedule: Scalar = 1.0,
    peak: Scalar = 0.01,
    beta1: Scalar = 0.59,
    weight_decay: Scalar = 0.4,
    beta2: Scalar = 0.82,
    state_dtype: Any = None,
) -> optax.GradientTransformationExtraArgs:
    """Return an optax transformation.

    Hyperparameters are numbers, arrays, or functions of the step.

    Args:
        schedule: factor that the program calls `lr`, such as a warm-up followed by a decay.
        peak: 0.01 in the program.
        beta1: 0.59 in the program.
        weight_decay: 0.4 in the program.
        beta2: 0.82 in the program.
        state_dtype: dtype of the state; by default float32, or the dtype of the parameter where that is wider.
    """

    def init(params: optax.Params) -> DiscoveredState:
        def zeros(x: Any) -> jax.Array:
            return jnp.zeros_like(x, dtype=_wide_dtype(x) if state_dtype is None else state_dtype)

        return DiscoveredState(
            count=jnp.zeros([], jnp.int32),
            m=jax.tree.map(zeros, params),
        )

    def update(
        updates: optax.Updates, state: DiscoveredState, params: optax.Params | None = None, **extra_args: Any
    ) -> tuple[optax.Updates, DiscoveredState]:
        del extra_args
        if params is None:
            raise ValueError("the program reads the weights; give `params` to `update`")
        scalars = [_value(x, state.count) for x in (schedule, peak, beta1, weight_decay, beta2)]
        leaves, structure = jax.tree.flatten(updates, is_leaf=lambda x: x is None)
        present = [x is not None for x in leaves]
        trees = [structure.flatten_up_to(tree) for tree in (params, updates, state.m)]
        arrays = [[_wide(x) for x, here in zip(tree, present, strict=True) if here] for tree in trees]
        rows = [_program(*scalars, *each) for each in zip(*arrays, strict=True)]
        results = tuple(zip(*rows, strict=True)) or ((),) * 2
        after = DiscoveredState(
            count=state.count + (state.count < jnp.iinfo(jnp.int32).max),
            m=jax.tree.unflatten(structure, _filled(results[1], trees[2], present)),
        )
        return jax.tree.unflatten(structure, _filled([-x for x in results[0]], leaves, present)), after

    return optax.GradientTransformationExtraArgs(init, update)


def _program(lr, peak, beta1, weight_decay, beta2, w, g, m):
    """Return the step to subtract and the next state, for one parameter array."""
    lr = lr * peak
    update = (1 - beta1) * g + beta1 * m
    update = jnp.sign(update)
    decay = w * weight_decay
    update = update + decay
    update = update * lr
    m = (1 - beta2) * g + beta2 * m
    return update, m


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
