"""Decorators that register custom primitives, mutations, tasks, algorithms and export targets.

A registration applies to this process. To use an extension from the command line or on other machines, put it into a
module, and name the module in the config (`search.plugins`).
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from primitives import ANY, Primitive, Program, Property, UserError, nearest, register, register_target
from proxy_tasks import SPLITS, Problem, Rows, Task, register_family
from search.algorithms import register_algorithm, register_mutation
from search.engine import Algorithm, Draws
from search.settings import Config

Function = TypeVar("Function", bound=Callable[..., Any])


def primitive(*, code: str | None = None, **properties: bool) -> Callable[[Function], Function]:
    r"""Decorator that adds a function to the language.

    The function is elementwise: it takes and returns JAX arrays whose last axis runs over the weights, and uses Python
    operators and `jax.numpy`. Programs call it by its name.

    Args:
        code: the call in exported code, with `{0}`, `{1}` for the arguments and `xp` for the array module. Programs
            that use a primitive without `code` cannot be exported as code.
        properties: mathematical properties of the function, such as `odd=True` or `increasing=True`, on which the
            simplifier relies.

    Raises:
        UserError: a property is unknown, or the name is taken; or the function has more than three arguments, or a name
            that is no identifier, such as that of a lambda.

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
    """Decorator that adds a mutation.

    A mutation is a function `(program, rng) -> Program`, which returns `None` if it does not apply to the program. All
    random numbers must come from `rng` (`integer(n)`, `uniform()`, `normal()`, `choice(items)`). Its stream depends on
    the seed and the number of the child, which makes searches reproducible. An invalid child is dropped and drawn
    again.

    Args:
        rate: relative rate; the built-in mutations have 1. A config can override it under the name of the function.

    Raises:
        UserError: the name of the function is taken.

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

        mutate.__doc__ = function.__doc__
        register_mutation(function.__name__, mutate, rate)
        return function

    return add


def task(name: str, *, batch: int = 64, steps: int = 200, trials: int = 300, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Decorator that makes a task from a function `rng -> (initialise, loss, rows)`.

    The function is called once with a `numpy.random.Generator` of a fixed seed, and returns

    * `initialise`: `rng -> parameters`, a pytree of float32 arrays;
    * `loss`: `(parameters, rows) -> scalar`, the mean loss over the rows, which must be positive;
    * `rows`: arrays by name whose first axis runs over examples; the first three fifths of the rows are for training,
      the next fifth for validation and the last fifth for the test.

    Pass the decorated function in `tasks`, or name it in a config as `family: module:function`.

    Args:
        name: name of the task in tables and in the journal.
        batch: number of examples in a step.
        steps: number of training steps.
        trials: number of trials to tune each baseline on the task before the first search.
        settings: further keys of a task in a config, such as `schedule_power`.

    Raises:
        UserError: when the task is built, the function does not return what is listed above.

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
            return _problem_of(*_parts_of(function(np.random.default_rng(0)), description.name))

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


def _parts_of(returned: Any, task: str) -> tuple[Callable[..., Any], Callable[..., Any], Rows]:  # noqa: ANN401
    """What the function of a task returned, checked; raises `UserError` if it is something else."""
    where = f"task `{task}`: the function must return"
    if not isinstance(returned, tuple) or len(returned) != 3:
        raise UserError(f"{where} `initialise, loss, rows`, not {_described(returned)}")
    initialise, loss, rows = returned
    for name, value in (("initialise", initialise), ("loss", loss)):
        if not callable(value):
            raise UserError(f"{where} a function as `{name}`, not {_described(value)}")
    if not isinstance(rows, Mapping) or not rows:
        raise UserError(f"{where} at least one array by name as `rows`, not {_described(rows)}")
    arrays = {str(name): np.asarray(values) for name, values in rows.items()}
    single = [name for name, array in arrays.items() if not array.ndim]
    if single:
        raise UserError(f"{where} arrays whose first axis runs over examples; `{single[0]}` is a single value")
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"`{name}` has {count}" for name, count in counts.items())
        raise UserError(f"{where} arrays with the same number of rows: {listed}")
    return initialise, loss, arrays


def _described(value: Any) -> str:  # noqa: ANN401
    """A short text for an error: the type of a value, and its length if it has one."""
    kind = type(value).__name__
    return f"{kind} of length {len(value)}" if isinstance(value, tuple | list | Mapping) else kind


def _problem_of(initialise: Callable[..., Any], loss: Callable[..., Any], rows: Rows) -> Problem:
    """Make a problem on a flat vector of weights from functions on a pytree of parameters."""
    parameters = initialise(np.random.default_rng(0))
    unravel = ravel_pytree(parameters)[1]
    count = len(next(iter(rows.values())))
    ends = [0, 3 * count // 5, 4 * count // 5, count]
    return Problem(
        sizes=tuple(int(np.size(leaf)) for leaf in jax.tree.leaves(parameters)),
        initialise=lambda rng: np.asarray(ravel_pytree(initialise(rng))[0], np.float32),
        loss=lambda weights, batch: loss(unravel(weights), batch),
        rows={
            split: {name: values[start:end] for name, values in rows.items()}
            for split, start, end in zip(SPLITS, ends[:-1], ends[1:], strict=True)
        },
    )


def algorithm(name: str) -> Callable[[type], type]:
    """Class decorator that adds a search algorithm.

    The class is constructed with the starting program and the `Config`. It has the two methods of `Algorithm`:
    `propose(number, rng) -> Proposal`, and `take(entry)`, which is called with every recorded candidate in order of
    number.

    Args:
        name: value of `search.algorithm` that selects the algorithm.

    Raises:
        UserError: the name is taken.

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

        make.__doc__ = cls.__doc__
        register_algorithm(name, make)
        return cls

    return add


def export_target(name: str) -> Callable[[Function], Function]:
    r"""Decorator that adds a target of `export`.

    The function is `(program, name, origin) -> str`. It receives the live part of a program, the name for the exported
    function, and one line on the origin of the program, and returns the contents of a file.

    Args:
        name: value of `to` that selects the target.

    Raises:
        UserError: the name is taken.

    Example:
        >>> import optsearch
        >>> @optsearch.export_target("steps")
        ... def steps(program, name, origin):
        ...     return "".join(f"{step.target}: {step.primitive}\n" for step in program.statements)
        >>> print(optsearch.export("lion", to="steps").splitlines()[0])
        update: interp
    """

    def add(function: Function) -> Function:
        register_target(name, function)
        return function

    return add
