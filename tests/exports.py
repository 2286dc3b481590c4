"""Exported code, run as a user would run it: from a module of its own that knows nothing of this project."""

import inspect
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np

from primitives import Program
from primitives.export import export
from primitives.program import PEAK
from tests.programs import SIZES, probe

SHAPES = ((2, 3), (3,), (4, 1))  # of the three parameter arrays


@cache
def exported(program: Program, to: str) -> ModuleType:
    """The exported code as a module."""
    text = export(program, to)
    module = ModuleType(f"exported_{to}")
    before = set(sys.modules)
    exec(compile(text, f"<exported to {to}>", "exec"), module.__dict__)
    ours = {"primitives", "proxy_tasks", "simplify", "selection", "search"}
    assert not {name.partition(".")[0] for name in set(sys.modules) - before} & ours
    assert not any(f"{sign} {package}" in text for package in ours for sign in ("import", "from"))
    return module


def scheduled(function: Callable[..., Any], schedule: Any, *arguments: Any) -> Any:
    """Call an exported function, with learning rates relative to their peak as its schedule if it takes one."""
    takes = "schedule" in inspect.signature(function).parameters
    relative = (lambda step: schedule(step) / PEAK) if callable(schedule) else schedule / PEAK
    return function(*arguments, **({"schedule": relative} if takes else {}))


def split(flat: Any) -> list[Any]:
    """A vector of all weights as arrays of the shapes above."""
    ends = np.cumsum(SIZES)
    return [flat[end - size : end].reshape(shape) for end, size, shape in zip(ends, SIZES, SHAPES, strict=True)]


def tree(flat: Any) -> dict[str, Any]:
    """The same as a tree of parameters, whose leaves are in this order."""
    first, second, third = split(flat)
    return {"a": first, "b": {"bias": second, "kernel": third}}


def optax_path(program: Program, steps: int, dtype: Any = jnp.float32) -> np.ndarray:
    """Weights after each step of the optax export on the probe, the schedule given as a function of the step."""
    weights, gradients, schedule = probe(steps)
    transform = scheduled(exported(program, "optax").optimizer, lambda count: schedule[count])
    params = tree(weights.astype(dtype))
    state = transform.init(params)
    rows = []
    for gradient in gradients:
        updates, state = transform.update(tree(gradient.astype(dtype)), state, params)
        params = _added(params, updates)
        rows.append(np.concatenate([np.asarray(x, np.float32).ravel() for x in _leaves(params)]))
    return np.stack(rows)


def numpy_path(program: Program, steps: int) -> np.ndarray:
    """The same for the stand-alone Python export."""
    weights, gradients, schedule = map(np.asarray, probe(steps))
    module = exported(program, "python")
    params = split(weights)
    state = module.init(params)
    rows = []
    for gradient, rate in zip(gradients, schedule, strict=True):
        updates, state = scheduled(module.optimizer, rate, split(gradient), state, params)
        with np.errstate(all="ignore"):
            params = [p + u for p, u in zip(params, updates, strict=True)]
        rows.append(np.concatenate([p.ravel() for p in params]))
    return np.stack(rows)


def _leaves(params: dict[str, Any]) -> list[Any]:
    return [params["a"], params["b"]["bias"], params["b"]["kernel"]]


def _added(params: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    pairs = zip(_leaves(params), _leaves(updates), strict=True)
    first, second, third = (p + u for p, u in pairs)
    return {"a": first, "b": {"bias": second, "kernel": third}}
