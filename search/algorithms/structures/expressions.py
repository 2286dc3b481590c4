"""Conversion between statements and nested expressions, which crossover moves between programs.

    m = interp(g, m, 0.9); update = sign(m)        is        sign(interp(g, m, 0.9))

An expression reads inputs, state slots and constants. If it reads a slot that its new program never writes, the
statements of the donor that write the slot are copied too; otherwise the slot would stay zero.
"""

from collections.abc import Iterator
from typing import NamedTuple

from primitives import Program, Statement
from search.algorithms.edits import fresh_names, names_of, spliced
from search.engine import Draws

_STATE_STATEMENTS = 4  # largest number of statements that are copied to write a slot


class Expression(NamedTuple):
    """A call whose arguments are expressions, variables or constants."""

    primitive: str
    arguments: tuple["Term", ...]


Term = Expression | str | float


def definition(program: Program, name: str, before: int) -> int | None:
    """Index of the last statement before `before` that assigns a variable; `None` if none does (it is an input)."""
    return next((line for line in range(before - 1, -1, -1) if program.statements[line].target == name), None)


def inlined(program: Program, line: int, place: int) -> Term:
    """An argument of a statement as an expression of inputs, state slots of this step, and constants."""
    argument = program.statements[line].arguments[place]
    source = definition(program, argument, line) if isinstance(argument, str) else None
    return argument if source is None else value(program, source)


def value(program: Program, line: int) -> Expression:
    """The value of a statement as an expression of inputs, state slots of this step, and constants."""
    statement = program.statements[line]
    return Expression(
        statement.primitive, tuple(inlined(program, line, place) for place in range(len(statement.arguments)))
    )


def part(program: Program, line: int, depth: int, draws: Draws, follow: float = 0.7) -> Expression:
    """The value of a statement as an expression of limited depth; arguments that are not inlined stay variables.

    Args:
        program: a valid program.
        line: index of the statement.
        depth: largest number of nested calls.
        draws: random numbers.
        follow: probability that the statement of an argument is inlined.
    """
    statement = program.statements[line]
    arguments: list[Term] = []
    for argument in statement.arguments:
        source = definition(program, argument, line) if isinstance(argument, str) else None
        if source is not None and depth > 1 and draws.uniform() < follow:
            arguments.append(part(program, source, depth - 1, draws, follow))
        else:
            arguments.append(argument)
    return Expression(statement.primitive, tuple(arguments))


def written(expression: Expression, names: Iterator[str]) -> tuple[Statement, ...]:
    """Statements that compute an expression, each with a fresh target; the last one is the value."""
    statements: list[Statement] = []

    def write(term: Term) -> str | float:
        if not isinstance(term, Expression):
            return term
        arguments = tuple(write(argument) for argument in term.arguments)
        statements.append(Statement(next(names), term.primitive, arguments))
        return statements[-1].target

    write(expression)
    return tuple(statements)


def variables(term: Term) -> set[str]:
    """Variables that an expression reads."""
    if isinstance(term, Expression):
        return set().union(*map(variables, term.arguments))
    return {term} if isinstance(term, str) else set()


def with_state(child: Program, parent: Program, donor: Program, read: set[str]) -> Program:
    """Copy the donor's statements for state slots that the child now reads and the parent never writes.

    The copied statements may read further slots, whose statements are copied as well. A slot that needs more than
    `_STATE_STATEMENTS` statements stays zero.

    Args:
        child: a draft.
        parent: the program from which it was made.
        donor: the program of which an expression was taken.
        read: variables that this expression reads.
    """
    assigned = {statement.target for statement in parent.statements}
    zero = [slot for slot in parent.slots if slot not in assigned]
    while slot := next((slot for slot in zero if slot in read), None):
        zero.remove(slot)
        source = definition(donor, slot, len(donor.statements))
        if source is None:
            continue
        state = value(donor, source)
        *inner, last = written(state, fresh_names(names_of(child)))
        if len(inner) < _STATE_STATEMENTS:
            end = len(child.statements)
            child = spliced(child, end, end, *inner, last._replace(target=slot))
            read = read | variables(state)
    return child
