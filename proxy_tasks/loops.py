"""Compiled training loops: for one program as data, for a batch of programs, and for a single structure.

Each step takes a batch of examples for each seed, computes the gradients of all seeds at once, lets the optimizer turn
them into updates, and subtracts these from the weights. The loop ends early when no seed has finite weights. The state
slots are all that a program keeps from step to step. Training conditions may differ between seeds; they are inputs of
the loop (`proxy_tasks.inputs`). A loop is compiled once for each task, size class and number of seeds.
"""

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives import PEAK, Encoded, UpdateRule, batched, interpreted
from proxy_tasks.families import problem
from proxy_tasks.task import Problem, Rows, Task

COMPILED = 64  # compiled loops of single structures that are kept; each takes a few MiB

Loop = Callable[[Encoded, dict[str, Any]], tuple[Array, Array]]


class Structure(Hashable, Protocol):
    """An optimizer without its constants; equal structures share one compilation."""

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        """The update rule for traced constants, float32, shape `(C,)`; `sizes` as for `primitives.compiled`."""


def interpreted_loop(task: Task, functions: int) -> Loop:
    """The training loop of a task for any encoded program; compiled once for each size class and number of seeds.

    Tasks that differ only in inputs of the loop (schedule, circumstances) share it.

    Args:
        task: the task to train on.
        functions: number of functions in the language; registering another one needs a new compilation.

    Returns:
        `(encoded program, inputs) -> (losses, steps)`: the loss of each seed, not finite where training diverged, and
        the number of steps taken, which is smaller than the horizon if no seed had finite weights left.
    """
    return _interpreted_loop(_without_inputs(task), functions)


@cache
def _interpreted_loop(task: Task, functions: int) -> Loop:
    built = problem(task)
    return jax.jit(_loop(built, lambda encoded: interpreted(encoded, built.sizes)))


def batch_loop(task: Task, functions: int, kernel: bool) -> Loop:
    """The training loop of a task for a batch of N encoded programs, their arrays stacked.

    Args:
        task: the task to train on.
        functions: as for `interpreted_loop`.
        kernel: compute all updates by one kernel, instead of the interpreter under `vmap`; see `primitives.batched`.

    Returns:
        As for `interpreted_loop`, with losses of shape `(N, S)`; the loop ends when no program has finite weights left.
        The inputs belong to all programs (`loop_inputs`), or weights and order to each of them (`inputs_for_each`).
    """
    return _batch_loop(_without_inputs(task), functions, kernel)


@cache
def _batch_loop(task: Task, functions: int, kernel: bool) -> Loop:
    built = problem(task)
    return jax.jit(_loop(built, lambda encoded: batched(encoded, built.sizes, kernel=kernel), batch=True))


def _without_inputs(task: Task) -> Task:
    """The task with defaults for everything that enters the loop as data."""
    return replace(task, schedule_power=1.0, peak=PEAK, tuned=None, circumstances=())


def compiled_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    """The training loop of a task for one structure with any constants; compiled once for each number of seeds.

    Returns:
        `(constants, inputs) -> (losses, steps)`, as for `interpreted_loop`.
    """
    return _compiled_loop(_without_inputs(task), structure)


@lru_cache(maxsize=COMPILED)
def _compiled_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    built = problem(task)
    return jax.jit(_loop(built, lambda constants: structure.rule(constants, built.sizes)))


def _loop(
    built: Problem, rule_of: Callable[[Any], UpdateRule], batch: bool = False
) -> Callable[[Any, dict[str, Any]], tuple[Array, Array]]:
    """The loop for one program, or for a batch of encoded programs with weights of shape `(N, S, P)`."""
    step_of = _step(built, batch)
    losses = jax.vmap(built.loss, in_axes=(0, None))
    if batch:
        losses = jax.vmap(losses, in_axes=(0, None))

    def run(program: Any, inputs: dict[str, Any]) -> tuple[Array, Array]:  # noqa: ANN401 - an encoded program, or nothing
        rule = rule_of(program)
        horizon: Array = inputs["horizon"]
        begin = inputs["weights"]
        if batch and begin.ndim == 2:  # the same for all programs
            begin = jnp.broadcast_to(begin, (len(program.length), *begin.shape))

        def going(carry: tuple[Array, Array, Any]) -> Array:
            step, weights, _ = carry
            return (step < jnp.max(horizon)) & jnp.any(jnp.all(jnp.isfinite(weights), axis=-1))

        def advance(carry: tuple[Array, Array, Any]) -> tuple[Array, Array, Any]:
            step, weights, state = carry
            update, state = step_of(rule, inputs, step, weights, state)
            if horizon.ndim:  # differs between seeds
                update = jnp.where(_as_rank_of((step < horizon)[:, None], update), update, 0)
            return step + 1, weights - update, state

        steps, weights, _ = lax.while_loop(going, advance, (jnp.int32(0), begin, rule.init(begin)))
        trained = jnp.all(jnp.isfinite(weights), axis=-1)  # what is not finite once stays so
        return jnp.where(trained, losses(weights, inputs["scored"]), jnp.nan), steps

    return run


def recording_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    """The whole training loop of a task for one structure, which returns what the other loops discard.

    Returns:
        `(constants, inputs) -> (weights, norms)`: the trained weights, shape `(S, P)`, and the Euclidean norm of each
        update, shape `(steps, S)`.
    """
    return _recording_loop(_without_inputs(task), structure)


@lru_cache(maxsize=COMPILED)
def _recording_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    built = problem(task)
    step_of = _step(built)

    def run(constants: Array, inputs: dict[str, Any]) -> tuple[Array, Array]:
        rule = structure.rule(constants, built.sizes)

        def advance(carry: tuple[Array, Any], step: Array) -> tuple[tuple[Array, Any], Array]:
            weights, state = carry
            update, state = step_of(rule, inputs, step, weights, state)
            return (weights - update, state), jnp.linalg.norm(update, axis=-1)

        begin = inputs["weights"]
        (weights, _), norms = lax.scan(advance, (begin, rule.init(begin)), jnp.arange(len(inputs["order"])))
        return weights, norms

    return jax.jit(run)


def _step(built: Problem, batch: bool = False) -> Callable[..., tuple[Array, Any]]:
    """One step: `(rule, inputs, step, weights, state) -> (update, state)`; arguments as for `_loop`."""
    of_seeds = jax.vmap(jax.grad(built.loss))

    def step_of(
        rule: UpdateRule,
        inputs: dict[str, Any],
        step: Array,
        weights: Array,
        state: Any,  # noqa: ANN401 - slots of a program, or the state of an optimizer
    ) -> tuple[Array, Any]:
        order = inputs["order"][step]  # shape `(S, batch)`, or `(N, S, batch)` if each program has its own
        gradients = jax.vmap(of_seeds, in_axes=(0, 0 if order.ndim == 3 else None)) if batch else of_seeds
        gradient = gradients(weights, _take(inputs["train"], order))
        if "loss_scale" in inputs:
            gradient *= _as_rank_of(inputs["loss_scale"], gradient)
        return rule.update(weights, gradient, state, inputs["schedule"][step])

    return step_of


def _as_rank_of(values: Array, other: Array) -> Array:
    """Values of shape `(S, 1)`, with a first axis of length 1 where `other` has an axis of programs."""
    return values if values.ndim == other.ndim else values[None]


def _take(rows: Rows, chosen: Array) -> Rows:
    """The chosen rows of every array."""
    return {name: values[chosen] for name, values in rows.items()}
