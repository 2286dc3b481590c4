"""Extensions: a custom primitive, mutation, task or algorithm, registered by a decorator.

A registration holds in this process. Put it into a module and name the module in the config (`search.plugins`) where a
search shall use it from the command line or on other machines.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from primitives import ANY, Primitive, Program, Property, UserError, nearest, register
from proxy_tasks import SPLITS, Problem, Rows, Task, register_family
from search.algorithms import register_algorithm, register_mutation
from search.engine import Algorithm, Draws
from search.settings import Config

Function = TypeVar("Function", bound=Callable[..., Any])


def primitive(*, code: str | None = None, **properties: bool) -> Callable[[Function], Function]:
    r"""Decorator that adds a function to the language.

    Args:
        code: the call in exported code, its arguments as `{0}`, `{1}`, with `xp` for the array module; a program that
            uses a primitive without it cannot be exported as code.
        properties: what is known of the function, such as `odd=True` or `increasing=True`; the simplifier relies on it.

    The function takes and returns JAX arrays whose last axis runs over the weights, elementwise, with Python operators
    and `jax.numpy`. Its name is how programs call it.

    Example:
        >>> import optsearch
        >>> @optsearch.primitive(odd=True, increasing=True, code="{0} / (1 + xp.abs({0}))")
        ... def softsign(x):
        ...     return x / (1 + abs(x))
        >>> text = "def train(w, g, m, v, lr):\n    update = softsign(g)\n    return update, m, v"
        >>> optsearch.program(text).statements[0].primitive
        'softsign'
    """
    known = {str(name) for name in Property}
    for name in properties:
        if name not in known:
            raise UserError(f"unknown property `{name}`{nearest(name, known)} (known: {', '.join(sorted(known))})")
    claimed = frozenset(Property(name) for name, holds in properties.items() if holds)

    def add(function: Function) -> Function:
        arity = len(inspect.signature(function).parameters)
        register(Primitive(function.__name__, function, (ANY,) * arity, code=code or "", properties=claimed))
        return function

    return add


def mutation(*, rate: float = 1.0) -> Callable[[Function], Function]:
    """Decorator that adds a mutation: `(program, rng) -> Program`, or `None` where it does not apply.

    Args:
        rate: relative rate; the built-in mutations have 1. A config may say otherwise by the name of the function.

    The random numbers have to come from `rng` (`integer(n)`, `uniform()`, `normal()`, `choice(items)`): it is keyed by
    the number of the child, which is what makes a search repeatable. An invalid child is dropped and drawn again.

    Example:
        >>> import optsearch
        >>> @optsearch.mutation(rate=0.1)
        ... def drop_the_last(program, rng):
        ...     return program._replace(statements=program.statements[:-1])
    """

    def add(function: Function) -> Function:
        def mutate(program: Program, primitives: object, draws: Draws) -> Program | None:
            child: Program | None = function(program, draws)
            return child

        register_mutation(function.__name__, mutate, rate)
        return function

    return add


def task(name: str, *, batch: int = 64, steps: int = 200, trials: int = 300, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Decorator that makes a task of a function `rng -> (initialise, loss, rows)`.

    Args:
        name: of the task, in tables and in the journal.
        batch: examples a step.
        steps: steps of training.
        trials: trials with which each baseline is tuned on the task before the first search.
        settings: further keys of a task in a config, such as `schedule_power`.

    The function is called once with a `numpy.random.Generator` of a fixed seed, and returns

    * `initialise`: `rng -> parameters`, a pytree of float32 arrays;
    * `loss`: `(parameters, rows) -> scalar`, the mean loss over the rows, positive;
    * `rows`: arrays by name whose first axis runs over examples; three fifths of them train, one fifth is for
      validation and one fifth for the test.

    Pass the decorated function in `tasks`, or name it in a config as `family: module:function`.

    Example:
        >>> import numpy as np, optsearch
        >>> @optsearch.task("least-squares", batch=32, steps=100)
        ... def least_squares(rng):
        ...     x = rng.normal(size=(500, 8)).astype(np.float32)
        ...     y = x @ rng.normal(size=8).astype(np.float32) + rng.normal(size=500).astype(np.float32)
        ...     def initialise(rng):
        ...         return {"w": rng.normal(size=8).astype(np.float32)}
        ...     def loss(parameters, rows):
        ...         return ((rows["x"] @ parameters["w"] - rows["y"]) ** 2).mean()
        ...     return initialise, loss, {"x": x, "y": y}
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def build(description: Task) -> Problem:
            return problem_of(*function(np.random.default_rng(0)))

        build.entry = {  # type: ignore[attr-defined]
            "name": name,
            "family": f"{function.__module__}:{function.__qualname__}",
            "batch": batch,
            "steps": steps,
            "trials": trials,
            **settings,
        }
        return register_family(build)

    return add


def problem_of(
    initialise: Callable[[np.random.Generator], Any], loss: Callable[[Any, Rows], Any], rows: Rows
) -> Problem:
    """A problem on a flat vector of weights, from functions on a pytree of parameters."""
    leaves, _ = jax.tree.flatten(initialise(np.random.default_rng(0)))
    unravel = ravel_pytree(initialise(np.random.default_rng(0)))[1]
    count = len(next(iter(rows.values())))
    ends = [0, 3 * count // 5, 4 * count // 5, count]
    return Problem(
        sizes=tuple(int(np.size(leaf)) for leaf in leaves),
        initialise=lambda rng: np.asarray(ravel_pytree(initialise(rng))[0], np.float32),
        loss=lambda weights, batch: loss(unravel(weights), batch),
        rows={
            split: {name: np.asarray(values)[start:end] for name, values in rows.items()}
            for split, start, end in zip(SPLITS, ends[:-1], ends[1:], strict=True)
        },
    )


def algorithm(name: str) -> Callable[[type], type]:
    """Class decorator that adds a search algorithm, selected by `search.algorithm` in a config.

    Args:
        name: value of `search.algorithm`.

    The class is called with the starting program and the `Config`, and has the two methods of `Algorithm`:
    `propose(number, rng) -> Proposal` and `take(entry)`, called with every recorded candidate in order of number.

    Example:
        >>> import optsearch
        >>> @optsearch.algorithm("restarts_only")
        ... class RestartsOnly:
        ...     def __init__(self, start, config):
        ...         self.start = start
        ...     def propose(self, number, rng):
        ...         return optsearch.Proposal(parent=0, mutation="none", program=self.start)
        ...     def take(self, entry):
        ...         pass
    """

    def add(cls: type) -> type:
        def make(config: Config, start: Program) -> Algorithm:
            made: Algorithm = cls(start, config)
            return made

        register_algorithm(name, make)
        return cls

    return add
