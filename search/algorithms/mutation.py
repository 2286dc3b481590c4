"""Mutations: functions that draw a changed copy of a program.

Three concerns are separate: the change (a function from program to program), its frequency (`rates` in the config), and
the validity of the child (`primitives.checking.is_valid`). A draft that is invalid or equal to its parent is dropped
and drawn again. Chen et al. (2023) use three mutations:

* `insert`: add a random statement at a random position;
* `delete`: remove a random statement;
* `modify`: replace one argument of a random statement by another variable or by a constant from N(0, 1), or multiply
  a constant by 2^a with a ~ N(0, 1).

There are four more; a rate of 0 disables a mutation:

* `replace`: replace the function of a random statement by another one that takes the same kinds of arguments;
* `wrap`: apply a random unary function to the result of a random statement;
* `scale`: multiply a random constant c, or 1 − c if c lies between 0 and 1, by 2^a;
* `tune`: change each live constant with probability 0.6 by a small step, as `selection.tuning` does.

Redundant statements stay in the program, since later mutations may make them live.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from primitives import (
    REGISTRY,
    Argument,
    Kind,
    Primitive,
    Program,
    ProgramError,
    Statement,
    UserError,
    described,
    float32,
    is_valid,
    kinds_before,
)
from search.algorithms.edits import fresh_names, names_of, spliced, with_argument
from search.engine import Draws
from search.settings import names
from selection import NARROW, ConstantSpace

_NEW_CONSTANT = 0.25  # share of constants among new arguments where variables fit as well
_PATIENCE = 10_000  # largest number of drafts for one child; with the mutations of the paper, 100 are rarely needed
_NEW_TARGET = 0.5  # share of new variables among the targets of inserted statements


Mutation = Callable[[Program, Sequence[Primitive], Draws], Program | None]


class Child(NamedTuple):
    """A valid program, the name of its mutation, and the number of dropped drafts."""

    program: Program
    mutation: str
    dropped: int


class Mutator:
    """Draws valid children.

    Args:
        primitives: functions that may be inserted.
        rates: relative rate of each mutation; a mutation without a rate is not used.
    """

    def __init__(self, primitives: Sequence[Primitive], rates: Mapping[str, float]) -> None:
        self._primitives = tuple(primitives)
        self._names = [name for name in MUTATIONS if rates.get(name, 0) > 0]
        self._cumulative = list(accumulate(rates[name] for name in self._names))

    def child(self, parent: Program, draws: Draws) -> Child:
        """Draw a valid program that differs from its parent by one mutation.

        Raises:
            UserError: none of 10,000 drafts was valid, for example if the only allowed mutation does not apply.
        """
        for dropped in range(_PATIENCE):
            name = draws.weighted(self._names, self._cumulative)
            draft = MUTATIONS[name](parent, self._primitives, draws)
            if draft is not None and draft != parent and is_valid(draft):
                return Child(draft, name, dropped)
        names = ", ".join(self._names)
        raise UserError(
            f"none of {_PATIENCE:,} drafts is valid; the allowed mutations ({names}) do not apply to a program"
        )


def insert(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Add a random statement at a random position."""
    place = draws.integer(len(program.statements) + 1)
    kinds = kinds_before(program, place)
    row = draws.choice(primitives)
    arguments = [_new_argument(accepted, kinds, draws) for accepted in row.accepts]
    if any(argument is None for argument in arguments):
        return None
    used = names_of(program)
    target = next(fresh_names(used)) if draws.uniform() < _NEW_TARGET else draws.choice(list(used))
    statement = Statement(target, row.name, tuple(argument for argument in arguments if argument is not None))
    return spliced(program, place, place, statement)


def delete(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Remove a random statement."""
    if not program.statements:
        return None
    place = draws.integer(len(program.statements))
    return spliced(program, place, place + 1)


def modify(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Replace one argument of a random statement by another variable or constant, or scale a constant."""
    if not program.statements:
        return None
    place = draws.integer(len(program.statements))
    statement = program.statements[place]
    if not statement.arguments:
        return None
    position = draws.integer(len(statement.arguments))
    old = statement.arguments[position]
    new: Argument | None
    if not isinstance(old, str) and draws.uniform() < 0.5:
        new = _scaled(old, draws)
    else:
        accepted = REGISTRY[statement.primitive].accepts[position]
        new = _new_argument(accepted, kinds_before(program, place), draws)
    return None if new is None else with_argument(program, place, position, new)


def replace(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Replace the function of a random statement by one that takes the same kinds of arguments."""
    if not program.statements:
        return None
    place = draws.integer(len(program.statements))
    statement = program.statements[place]
    accepts = REGISTRY[statement.primitive].accepts
    others = [row for row in primitives if row.accepts == accepts and row.name != statement.primitive]
    if not others:
        return None
    return spliced(program, place, place + 1, statement._replace(primitive=draws.choice(others).name))


def wrap(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Apply a random unary function to the result of a random statement."""
    functions = [row for row in primitives if row.arity == 1]
    if not program.statements or not functions:
        return None
    place = draws.integer(len(program.statements))
    target = program.statements[place].target
    return spliced(program, place + 1, place + 1, Statement(target, draws.choice(functions).name, (target,)))


def scale(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Multiply a random constant, or its distance to 1, by 2^a with a ~ N(0, 1)."""
    constants = list(program.constants())
    if not constants:
        return None
    place, position, old = draws.choice(constants)
    if 0 < old < 1 and draws.uniform() < 0.5:
        scaled = _scaled(1 - old, draws)
        new = None if scaled is None else float32(1 - scaled)
    else:
        new = _scaled(old, draws)
    return None if new is None else with_argument(program, place, position, new)


def tune(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """Move several live constants by small steps at once, since their best values depend on each other."""
    if not any(True for _ in program.constants()):
        return None
    space = ConstantSpace(program)
    size = len(space.start)
    normals, uniforms = np.array([(draws.normal(), draws.uniform()) for _ in range(size)]).reshape(size, 2).T
    return space.program(space.near(space.start, normals, uniforms, draws.choice(NARROW)))


MUTATIONS: dict[str, Mutation] = {
    "insert": insert,
    "delete": delete,
    "modify": modify,
    "replace": replace,
    "wrap": wrap,
    "scale": scale,
    "tune": tune,
}


def mutations() -> dict[str, str]:
    """Names of the mutations, each with a description: the built-in ones first, then those of plugins."""
    return described(MUTATIONS)


def register_mutation(name: str, mutation: Mutation, rate: float) -> None:
    """Add a mutation.

    Args:
        name: key of its rate in the config.
        mutation: `(program, primitives, draws) -> program`, or `None` if it does not apply. `primitives` are the
            functions that may be inserted, `draws` is the source of random numbers. An invalid result is dropped and
            drawn again.
        rate: relative rate in configs that do not set it.

    Raises:
        UserError: the name is taken.
    """
    if name in MUTATIONS:
        raise UserError(f"the name of mutation `{name}` is taken; choose another name")
    MUTATIONS[name] = mutation
    names.REGISTERED_MUTATIONS[name] = rate


def _new_argument(accepted: frozenset[Kind], kinds: Mapping[str, Kind], draws: Draws) -> Argument | None:
    """A random variable of an accepted kind, or a constant from N(0, 1) where scalars are accepted."""
    variables = [name for name, kind in kinds.items() if kind in accepted]
    if Kind.SCALAR in accepted and (not variables or draws.uniform() < _NEW_CONSTANT):
        return float32(draws.normal())
    return draws.choice(variables) if variables else None


def _scaled(constant: float, draws: Draws) -> float | None:
    try:
        return float32(constant * 2 ** draws.normal())
    except ProgramError:  # beyond the range of float32
        return None
