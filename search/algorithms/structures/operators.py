"""The table of operators, which make a draft from a parent.

An operator is a function `(parent, material, draws) -> draft` that returns `None` if it does not apply. Drafts may be
invalid; `breeding` checks them.

There are two kinds of crossover (Koza, 1992). A *graft* replaces an argument by a subexpression of a donor. A *context*
wraps a value of the parent in the expression that surrounds a value in the donor. Both are most effective on the *way*,
the statements from the gradient to the update. The donor is the parent itself, an incumbent of another cell, or a
program of the corpus. On the way, crossover can be *homologous* (Langdon, 2000): what is taken from the donor then
keeps its distance from the update.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from primitives import GRADIENT, REGISTRY, UPDATE, Kind, Primitive, Program, Statement, kinds_before
from search.algorithms.edits import bypassed, fresh_names, names_of, spliced, with_argument
from search.algorithms.structures.expressions import (
    Expression,
    Term,
    definition,
    inlined,
    part,
    value,
    variables,
    with_state,
    written,
)
from search.algorithms.structures.prior import Prior
from search.engine import Draws

_LONGEST = 5  # largest number of statements that a graft or a context adds
_NEW_TARGET = 0.3  # share of new variables among the targets of inserted statements
_DROPPED = 0.3  # share of deletions that do not redirect readers of the statement
_GRAFT_DEPTH = 2  # largest number of nested calls in a graft


class Material(NamedTuple):
    """The sources of an operator.

    Attributes:
        prior: distributions of functions, arguments and constants.
        incumbents: programs of the cells.
        corpus: published optimizers.
        state: whether statements that write a state slot are copied with expressions that read it.
        homologous: probability that a crossover on the way is homologous.
    """

    prior: Prior
    incumbents: Sequence[Program] = ()
    corpus: Sequence[Program] = ()
    state: bool = True
    homologous: float = 0.0

    def donor(self, parent: Program, own: float, incumbent: float, draws: Draws) -> Program:
        """Draw a donor: the parent (probability `own`), an incumbent (`incumbent`), or a program of the corpus."""
        drawn = draws.uniform()
        if drawn < own:
            return parent
        others = self.incumbents if drawn < own + incumbent else self.corpus
        return draws.choice(others) if others else parent


Operator = Callable[[Program, Material, Draws], Program | None]


def graft(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace an argument by a subexpression of a donor."""
    donor = material.donor(parent, 0.5, 0.3, draws)
    depth = 1 + draws.integer(_GRAFT_DEPTH)
    taken = part(donor, draws.integer(len(donor.statements)), depth, draws)
    spot = _argument(parent, draws)
    if spot is None:
        return None
    kinds = kinds_before(parent, spot[0])
    known = _known(taken, material.prior, kinds, draws)
    return None if known is None else _placed(parent, spot, known, donor, material)


def graft_on_way(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace a value on the way by an expression on the way of a donor, inlined down to its inputs."""
    donor = material.donor(parent, 0.1, 0.45, draws)
    there, here = way(donor, draws), way(parent, draws)
    if not there or not here:
        return None
    place = draws.integer(len(there))
    taken = value(donor, there[place][0])
    return _placed(parent, _spot(here, place, material, draws), taken, donor, material)


def context(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace a value x on the way by f(x, e), where f(·, e) is a call on the way of a donor."""
    donor = material.donor(parent, 0.15, 0.55, draws)
    there, here = way(donor, draws), way(parent, draws)
    if not there or not here:
        return None
    place = draws.integer(len(there))
    line, hole = there[place]
    spot = _spot(here, place, material, draws)
    around = donor.statements[line]
    inner = parent.statements[spot[0]].arguments[spot[1]]
    arguments = tuple(inner if at == hole else inlined(donor, line, at) for at in range(len(around.arguments)))
    return _placed(parent, spot, Expression(around.primitive, arguments), donor, material)


def wrap_argument(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace an argument x by f(x, …), where f is a random function."""
    spot = _argument(parent, draws)
    row = material.prior.function(draws)
    if spot is None or row is None:
        return None
    line, place = spot
    call = _call(parent, line, row, parent.statements[line].arguments[place], material.prior, draws)
    if call is None:
        return None
    name = next(fresh_names(names_of(parent)))
    return spliced(with_argument(parent, line, place, name), line, line, Statement(name, row.name, call))


def wrap_value(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Apply a random function to the value of a statement, for all its readers."""
    line = draws.integer(len(parent.statements))
    row = material.prior.function(draws)
    if row is None:
        return None
    target = parent.statements[line].target
    call = _call(parent, line + 1, row, target, material.prior, draws)
    return None if call is None else spliced(parent, line + 1, line + 1, Statement(target, row.name, call))


def insert(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Insert a random statement at a random place."""
    line = draws.integer(len(parent.statements) + 1)
    row = material.prior.function(draws)
    if row is None:
        return None
    call = _call(parent, line, row, None, material.prior, draws)
    if call is None:
        return None
    names = names_of(parent)
    target = next(fresh_names(names)) if draws.uniform() < _NEW_TARGET else draws.choice(list(names))
    return spliced(parent, line, line, Statement(target, row.name, call))


def replace(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace the function of a statement by another one that takes the same arguments."""
    line = draws.integer(len(parent.statements))
    statement = parent.statements[line]
    row = material.prior.function(draws, like=REGISTRY[statement.primitive])
    return None if row is None else spliced(parent, line, line + 1, statement._replace(primitive=row.name))


def modify(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Replace an argument of a statement by another variable or constant."""
    spot = _argument(parent, draws)
    if spot is None:
        return None
    line, place = spot
    row = REGISTRY[parent.statements[line].primitive]
    new = material.prior.argument(row, place, kinds_before(parent, line), draws)
    return None if new is None else with_argument(parent, line, place, new)


def delete(parent: Program, material: Material, draws: Draws) -> Program | None:
    """Delete a statement; its readers read one of its arguments."""
    line = draws.integer(len(parent.statements))
    arguments = [argument for argument in parent.statements[line].arguments if isinstance(argument, str)]
    if not arguments or draws.uniform() < _DROPPED:
        return spliced(parent, line, line + 1)
    return bypassed(parent, line, draws.choice(arguments))


OPERATORS: Mapping[str, Operator] = {
    "graft": graft,
    "graft_on_way": graft_on_way,
    "context": context,
    "wrap_argument": wrap_argument,
    "wrap_value": wrap_value,
    "insert": insert,
    "replace": replace,
    "modify": modify,
    "delete": delete,
}


def way(program: Program, draws: Draws) -> list[tuple[int, int]]:
    """A random way from the update back to the gradient or a state slot.

    Returns:
        Pairs of a statement and the index of the argument that is followed, the last statement first; empty if the
        update depends on neither the gradient nor a slot.
    """
    carrying = {GRADIENT, *program.slots}
    followed: list[list[int]] = []
    for statement in program.statements:
        places = [place for place, argument in enumerate(statement.arguments) if argument in carrying]
        followed.append(places)
        (carrying.add if places else carrying.discard)(statement.target)
    steps: list[tuple[int, int]] = []
    name, line = UPDATE, definition(program, UPDATE, len(program.statements))
    while line is not None and followed[line]:
        place = draws.choice(followed[line])
        steps.append((line, place))
        name = str(program.statements[line].arguments[place])
        line = definition(program, name, line)
    return steps


def _spot(here: Sequence[tuple[int, int]], place: int, material: Material, draws: Draws) -> tuple[int, int]:
    """A random argument on the way of the parent, or the one that is as far from the update as a donor's statement.

    Args:
        here: the way of the parent.
        place: index of the statement on the way of the donor; its value is an argument of the statement at `place - 1`.
        material: has the probability of the latter.
        draws: random numbers.
    """
    if material.homologous and 0 < place <= len(here) and draws.uniform() < material.homologous:
        return here[place - 1]
    return draws.choice(here)


def _argument(program: Program, draws: Draws) -> tuple[int, int] | None:
    """A random argument of a random statement."""
    line = draws.integer(len(program.statements))
    count = len(program.statements[line].arguments)
    return (line, draws.integer(count)) if count else None


def _call(
    program: Program, line: int, row: Primitive, inner: str | float | None, prior: Prior, draws: Draws
) -> tuple[str | float, ...] | None:
    """Arguments of a new call before a statement, with `inner` at a random place; `None` if none fit."""
    kinds = kinds_before(program, line)
    hole = None if inner is None else draws.integer(row.arity)
    arguments = [inner if place == hole else prior.argument(row, place, kinds, draws) for place in range(row.arity)]
    return tuple(argument for argument in arguments if argument is not None) if None not in arguments else None


def _known(term: Expression, prior: Prior, kinds: Mapping[str, Kind], draws: Draws) -> Expression | None:
    """The expression with undefined variables replaced by random arguments; `None` if none fit."""
    row = REGISTRY[term.primitive]
    arguments: list[Term] = []
    for place, argument in enumerate(term.arguments):
        new: Term | None = argument
        if isinstance(argument, Expression):
            new = _known(argument, prior, kinds, draws)
        elif isinstance(argument, str) and argument not in kinds:
            new = prior.argument(row, place, kinds, draws)
        if new is None:
            return None
        arguments.append(new)
    return term._replace(arguments=tuple(arguments))


def _placed(
    parent: Program, spot: tuple[int, int], taken: Expression, donor: Program, material: Material
) -> Program | None:
    """The parent with an argument replaced by an expression, which is computed before its statement."""
    line, place = spot
    new = written(taken, fresh_names(names_of(parent)))
    if len(new) > _LONGEST:
        return None
    draft = spliced(with_argument(parent, line, place, new[-1].target), line, line, *new)
    return with_state(draft, parent, donor, variables(taken)) if material.state else draft
