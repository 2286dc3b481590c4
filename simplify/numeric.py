"""Execution of programs in NumPy, for the probes: 20 steps of fifteen statements take less than a millisecond.

The probes have a few dozen weights, for which compiling with XLA or dispatching from the interpreter would take far
longer than the computation. Functions are evaluated from their exported code (`Primitive.code`); the five that reduce
whole arrays are written out here. A primitive without code is called directly.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from primitives import GRADIENT, LEARNING_RATE, REGISTRY, UPDATE, WEIGHTS, Primitive, Program, flow

Values = Any  # a NumPy array or scalar
Call = Callable[..., Values]


class Probe(NamedTuple):
    """Inputs of several runs at once.

    Attributes:
        weights: initial weights, shape `(runs, P)`.
        gradients: shape `(steps, runs, P)`.
        schedule: learning rate of each step, shape `(steps,)`.
        sizes: sizes of the parameter arrays, with the sum `P`.
    """

    weights: np.ndarray
    gradients: np.ndarray
    schedule: np.ndarray
    sizes: tuple[int, ...]


def run(program: Program, probe: Probe, precise: bool = True) -> dict[str, np.ndarray]:
    """Run a program on a probe; the state starts at zero, and updates are applied to the weights.

    Args:
        program: a valid program.
        probe: the inputs.
        precise: compute in float64 rather than float32.

    Returns:
        The update and each state slot after each step, each of shape `(steps, runs, P)`.
    """
    dtype = np.float64 if precise else np.float32
    step = _step(program, precise, probe.sizes)
    weights = probe.weights.astype(dtype)
    gradients, schedule = probe.gradients.astype(dtype), probe.schedule.astype(dtype)
    values = {slot: np.zeros_like(weights) for slot in program.slots}
    traced = {name: np.empty_like(gradients) for name in program.outputs}
    with np.errstate(all="ignore"):
        for number, (gradient, rate) in enumerate(zip(gradients, schedule, strict=True)):
            values = step({WEIGHTS: weights, GRADIENT: gradient, LEARNING_RATE: rate} | values)
            for name, value in values.items():
                traced[name][number] = value
            weights = weights - values.pop(UPDATE)
    return traced


@lru_cache(maxsize=64)
def _step(
    program: Program, precise: bool, sizes: tuple[int, ...]
) -> Callable[[Mapping[str, Values]], dict[str, Values]]:
    """One step of a program: maps inputs by name to outputs by name."""
    dtype = np.float64 if precise else np.float32
    graph = flow(program)
    calls = [
        (function(REGISTRY[statement.primitive], sizes), [dtype(s) if isinstance(s, float) else s for s in sources])
        for statement, sources in zip(program.statements, graph.arguments, strict=True)
    ]

    def step(inputs: Mapping[str, Values]) -> dict[str, Values]:
        values: dict[Any, Values] = dict(inputs)
        for line, (call, sources) in enumerate(calls):
            arguments = [values[s] if isinstance(s, int | str) else s for s in sources]
            values[line] = call(*arguments) if arguments else dtype(call())
        return {name: values[source] for name, source in graph.outputs.items()}

    return step


@lru_cache(maxsize=1024)
def function(row: Primitive, sizes: tuple[int, ...] = ()) -> Call:
    """A function of the language on NumPy arrays of shape `(..., P)`."""
    if row.name in _WHOLE and row is REGISTRY[row.name]:
        return _WHOLE[row.name](sizes)
    if not row.arity:
        value = float(row.call([], sizes))
        return lambda: value
    if row.code:
        names = ("x", "y", "z")[: row.arity]
        call: Call = eval(  # the code is that of a registered function
            f"lambda {', '.join(names)}: {row.code.format(*names)}", {"xp": np}
        )
        return call
    return lambda *arguments: np.asarray(row.call(list(arguments), sizes))


def _norm(sizes: Sequence[int]) -> Call:
    starts = np.cumsum([0, *sizes])[:-1]

    def norm(x: Values) -> Values:
        return np.repeat(np.sqrt(np.add.reduceat(x * x, starts, axis=-1)), sizes, axis=-1)

    return norm


def _global_norm(x: Values) -> Values:
    return np.sqrt(np.sum(x * x, axis=-1, keepdims=True))


def _dot(x: Values, y: Values) -> Values:
    return np.sum(x * y, axis=-1, keepdims=True)


def _cosine_sim(x: Values, y: Values) -> Values:
    norms = _global_norm(x) * _global_norm(y)
    return np.where(norms == 0, 0.0, _dot(x, y) / np.where(norms == 0, 1.0, norms))


def _clip(x: Values, c: Values) -> Values:
    norm = _global_norm(x)
    factor = np.minimum(1.0, c / np.where(norm == 0, 1.0, norm))
    return np.asarray(x * np.where(norm == 0, np.where(np.asarray(c) > 0, 1.0, 0.0), factor))


_WHOLE: Mapping[str, Callable[[Sequence[int]], Call]] = {
    "norm": _norm,
    "global_norm": lambda sizes: _global_norm,
    "dot": lambda sizes: _dot,
    "cosine_sim": lambda sizes: _cosine_sim,
    "clip": lambda sizes: _clip,
}
