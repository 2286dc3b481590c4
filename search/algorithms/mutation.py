"""Mutation: how a child differs from its parent.

Three things are kept apart: what a mutation does (a function from program to program), how often it happens (`rates`
in the config), and whether the child is legal (`checking.is_valid`); a draft that is not, or that does not differ, is
dropped and another is drawn. Chen et al. (2023) use three:

* `insert`: a random statement at a random place;
* `delete`: a random statement goes;
* `modify`: one argument of a random statement becomes another variable or a constant from N(0, 1); an existing
  constant may be multiplied by 2^a with a ~ N(0, 1) instead.

Four more are general as well, and their rate may be set to zero:

* `replace`: the function of a random statement becomes another that takes the same arguments;
* `wrap`: the value of a random statement passes through a random function of one argument;
* `scale`: a random constant c is multiplied by 2^a, or, if it lies between 0 and 1, its distance to 1 is;
* `tune`: live constants move together, three in five of them, by small steps as in `selection.tuning`.

Redundant statements are kept on purpose: they are stepping stones.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from primitives.checking import is_valid, kinds_before
from primitives.errors import ProgramError, UserError
from primitives.kinds import Kind
from primitives.program import Argument, Program, Statement, float32
from primitives.registry import REGISTRY, Primitive
from search.algorithms.edits import fresh_names, names_of, spliced, with_argument
from search.engine.randomness import Draws
from search.settings import names
from selection.tuning import NARROW, ConstantSpace

_NEW_CONSTANT = 0.25  # share of constants among new arguments where variables fit as well
_PATIENCE = 10_000  # drafts for one child; a hundredth is rare with the mutations of the paper
_NEW_TARGET = 0.5  # share of new variables among the targets of inserted statements


Mutation = Callable[[Program, Sequence[Primitive], Draws], Program | None]


class Child(NamedTuple):
    """A valid program, the mutation that made it, and how many drafts were dropped on the way."""

    program: Program
    mutation: str
    dropped: int


class Mutator:
    """Draws valid children.

    Args:
        primitives: functions that may be inserted.
        rates: relative frequency of each mutation; those not named do not happen.
    """

    def __init__(self, primitives: Sequence[Primitive], rates: Mapping[str, float]) -> None:
        self._primitives = tuple(primitives)
        self._names = [name for name in MUTATIONS if rates.get(name, 0) > 0]
        self._cumulative = list(accumulate(rates[name] for name in self._names))

    def child(self, parent: Program, draws: Draws) -> Child:
        """A valid program that differs from its parent by one mutation.

        Raises:
            UserError: no draft of very many was valid, as when the only mutation allowed can never apply.
        """
        for dropped in range(_PATIENCE):
            name = draws.weighted(self._names, self._cumulative)
            draft = MUTATIONS[name](parent, self._primitives, draws)
            if draft is not None and draft != parent and is_valid(draft):
                return Child(draft, name, dropped)
        names = ", ".join(self._names)
        raise UserError(f"no valid child in {_PATIENCE:,} drafts; the mutations allowed ({names}) do not suit it")


def insert(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """A random statement at a random place."""
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
    """A random statement goes."""
    if not program.statements:
        return None
    place = draws.integer(len(program.statements))
    return spliced(program, place, place + 1)


def modify(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """One argument of a random statement becomes another variable or constant, or a constant is scaled."""
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
    """The function of a random statement becomes another that takes the same arguments."""
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
    """The value of a random statement passes through a random function of one argument."""
    functions = [row for row in primitives if row.arity == 1]
    if not program.statements or not functions:
        return None
    place = draws.integer(len(program.statements))
    target = program.statements[place].target
    return spliced(program, place + 1, place + 1, Statement(target, draws.choice(functions).name, (target,)))


def scale(program: Program, primitives: Sequence[Primitive], draws: Draws) -> Program | None:
    """A random constant is multiplied by 2^a, a ~ N(0, 1), or its distance to 1 is."""
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
    """Live constants move a little, all at once; where they do best depends on the others."""
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


def register_mutation(name: str, mutation: Mutation, rate: float) -> None:
    """Add a mutation.

    Args:
        name: key of its rate in the config.
        mutation: `(program, primitives, draws) -> program`, or `None` where it does not apply; the functions that may
            be inserted and the source of random numbers come in as arguments. An invalid result is dropped and drawn
            again.
        rate: relative rate in configs that do not name it.

    Raises:
        UserError: there is a mutation of that name.
    """
    if name in MUTATIONS:
        raise UserError(f"there is a mutation `{name}` already; give yours another name")
    MUTATIONS[name] = mutation
    names.MUTATIONS[name] = rate


def _new_argument(accepted: frozenset[Kind], kinds: Mapping[str, Kind], draws: Draws) -> Argument | None:
    """A variable of an accepted kind or, where a scalar will do, a constant from N(0, 1)."""
    variables = [name for name, kind in kinds.items() if kind in accepted]
    if Kind.SCALAR in accepted and (not variables or draws.uniform() < _NEW_CONSTANT):
        return float32(draws.normal())
    return draws.choice(variables) if variables else None


def _scaled(constant: float, draws: Draws) -> float | None:
    try:
        return float32(constant * 2 ** draws.normal())
    except ProgramError:  # grown beyond float32
        return None
