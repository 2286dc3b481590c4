"""Validation of programs by abstract execution: on kinds instead of arrays."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from primitives.errors import nearest
from primitives.kinds import Kind
from primitives.program import LEARNING_RATE, Program, Statement
from primitives.registry import REGISTRY, describe_kinds


class Problem(NamedTuple):
    """Reason why a program is invalid.

    Attributes:
        statement: index of the statement, or `None` for the return.
        message: one line.
    """

    statement: int | None
    message: str


def input_kinds(program: Program) -> dict[str, Kind]:
    """Kinds of the variables before the first statement: `lr` is a scalar, every other input a tree."""
    return {name: Kind.SCALAR if name == LEARNING_RATE else Kind.TREE for name in program.inputs}


def result_kind(statement: Statement, kinds: Mapping[str, Kind]) -> Kind | None:
    """Kind of the value that a statement assigns, given the kinds of variables; `None` if the statement is invalid."""
    row = REGISTRY[statement.primitive]
    given = [kinds.get(argument) if isinstance(argument, str) else Kind.SCALAR for argument in statement.arguments]
    return _result(row.accepts, row.result, tuple(given))


@lru_cache(maxsize=1024)
def _result(accepts: tuple[frozenset[Kind], ...], result: Kind | None, given: tuple[Kind | None, ...]) -> Kind | None:
    """Kind of the result of a function for arguments of given kinds; `None` if it does not accept one of them."""
    taken = [kind for kind, accepted in zip(given, accepts, strict=True) if kind is not None and kind in accepted]
    if len(taken) < len(given):
        return None
    return max(taken, default=Kind.SCALAR) if result is None else result


def statement_problem(statement: Statement, kinds: Mapping[str, Kind]) -> str:
    """Describe the problem of an invalid statement, given the kinds of variables."""
    row = REGISTRY[statement.primitive]
    for argument, accepted in zip(statement.arguments, row.accepts, strict=True):
        kind = kinds.get(argument) if isinstance(argument, str) else Kind.SCALAR
        if kind is None:
            return f"undefined variable `{argument}`{nearest(str(argument), kinds)}"
        if kind not in accepted:
            return f"`{row.name}` requires a {describe_kinds(accepted)} here, and `{argument}` is a {kind}"
    raise ValueError(f"the statement is valid: `{row.name}` accepts these arguments")


def kinds_before(program: Program, line: int) -> dict[str, Kind]:
    """Kinds of all variables that are defined before the statement with index `line` of a valid program."""
    return _run(program, line)[1]


def _run(program: Program, end: int | None = None) -> tuple[int, dict[str, Kind]]:
    """Execute statements up to the first invalid one.

    Returns:
        The index of that statement, or the number of statements, and the kinds of variables before it.
    """
    kinds = input_kinds(program)
    for line, statement in enumerate(program.statements[:end]):
        kind = result_kind(statement, kinds)
        if kind is None:
            return line, kinds
        kinds[statement.target] = kind
    return len(program.statements), kinds


def is_valid(program: Program) -> bool:
    """Whether a program is valid. `check` takes longer and describes the problem."""
    line, kinds = _run(program)
    return line == len(program.statements) and all(kinds.get(name) is Kind.TREE for name in program.outputs)


def check(program: Program) -> Problem | None:
    """Find the first problem of a program; `None` if it is valid."""
    line, kinds = _run(program)
    if line < len(program.statements):
        return Problem(line, statement_problem(program.statements[line], kinds))
    for name in program.outputs:
        if name not in kinds:
            return Problem(None, f"`{name}` is returned but never assigned")
        if kinds[name] is not Kind.TREE:
            return Problem(None, f"`{name}` must be a tree (shaped like `w`), and is a {kinds[name]}")
    return None
