"""Numerical behaviour of a process: hashes of the bits that it computes on fixed inputs.

Equal package versions do not guarantee equal results: a function of the language may have different code on another
machine, XLA may have other flags, and another processor may round differently. Each worker therefore computes every
function of the language once, and trains a network of each task for a few steps. The driver does the same and compares
the hashes.
"""

from collections.abc import Sequence
from hashlib import blake2b

import jax
import jax.numpy as jnp
import numpy as np

from primitives import REGISTRY, Kind, Primitive
from proxy_tasks import Task, Trainer, baseline

_SIZES = (48, 16)  # sizes of the parameter arrays
_STEPS = 3


def measure_behaviour(tasks: Sequence[Task], seeds: Sequence[int]) -> dict[str, str]:
    """Hash of the result of each function of the language, and of each task.

    Args:
        tasks: tasks of the search.
        seeds: seeds of one stage of an evaluation, whose compiled loop is used.

    Returns:
        Hashes by name, such as `function sign` and `task digits`.
    """
    results = {f"function {row.name}": np.asarray(found) for row, found in zip(REGISTRY, _computed(), strict=True)}
    for task in tasks:
        trainer = Trainer(task, seeds, horizon=min(_STEPS, task.steps))
        results[f"task {task.name}"] = trainer.losses(baseline(task))
    return {name: blake2b(found.tobytes(), digest_size=8).hexdigest() for name, found in results.items()}


def _computed() -> list[jax.Array]:
    """Results of all functions of the language, compiled together."""
    rows = list(REGISTRY)
    arguments = [[_input(row, place) for place in range(row.arity)] for row in rows]

    def all_of(given: list[list[jax.Array]]) -> list[jax.Array]:
        return [row.call(inputs, _SIZES) for row, inputs in zip(rows, given, strict=True)]

    computed: list[jax.Array] = jax.jit(all_of)(arguments)
    return computed


def _input(row: Primitive, place: int) -> jax.Array:
    """Fixed numbers between -4 and 4, of the widest kind that an argument accepts."""
    total = sum(_SIZES)
    steps = (np.arange(1, total + 1, dtype=np.uint64) * np.uint64(2654435761 + 2 * place)) % np.uint64(2**32)
    values = (steps / 2**29 - 4).astype(np.float32)  # Knuth's multiplicative hash, the same on every machine
    if Kind.TREE in row.accepts[place]:
        return jnp.asarray(values)
    if Kind.LEAF in row.accepts[place]:
        return jnp.asarray(np.repeat(values[: len(_SIZES)], _SIZES))
    return jnp.asarray(values[0])
