"""Is it a program? Execution on kinds instead of arrays finds undefined variables and wrong kinds."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from primitives.errors import nearest
from primitives.kinds import Kind
from primitives.program import LEARNING_RATE, Program, Statement
from primitives.registry import REGISTRY, describe_kinds


class Problem(NamedTuple):
    """Why a program is not valid: the index of the statement (`None`: the return), and a message."""

    statement: int | None
    message: str


def input_kinds(program: Program) -> dict[str, Kind]:
    """Kinds before the first statement: `lr` is a scalar, every other input a tree."""
    return {name: Kind.SCALAR if name == LEARNING_RATE else Kind.TREE for name in program.inputs}


def result_kind(statement: Statement, kinds: Mapping[str, Kind]) -> Kind | None:
    """Kind of what a statement assigns where variables have the given kinds; `None` where it is not valid."""
    row = REGISTRY[statement.primitive]
    given = [kinds.get(argument) if isinstance(argument, str) else Kind.SCALAR for argument in statement.arguments]
    return _result(row.accepts, row.result, tuple(given))


@lru_cache(maxsize=1024)
def _result(accepts: tuple[frozenset[Kind], ...], result: Kind | None, given: tuple[Kind | None, ...]) -> Kind | None:
    """Kind of a function's result for arguments of some kinds; `None` where it does not take one of them."""
    taken = [kind for kind, accepted in zip(given, accepts, strict=True) if kind is not None and kind in accepted]
    if len(taken) < len(given):
        return None
    return max(taken, default=Kind.SCALAR) if result is None else result


def statement_problem(statement: Statement, kinds: Mapping[str, Kind]) -> str:
    """What is wrong with a statement that is not valid where variables have the given kinds."""
    row = REGISTRY[statement.primitive]
    for argument, accepted in zip(statement.arguments, row.accepts, strict=True):
        kind = kinds.get(argument) if isinstance(argument, str) else Kind.SCALAR
        if kind is None:
            return f"undefined variable `{argument}`{nearest(str(argument), kinds)}"
        if kind not in accepted:
            return f"`{row.name}` wants a {describe_kinds(accepted)} here, and `{argument}` is a {kind}"
    raise ValueError(f"`{row.name}` takes these arguments.")


def kinds_before(program: Program, line: int) -> dict[str, Kind]:
    """Kinds of all variables that are defined before statement `line` of a valid program."""
    return _run(program, line)[1]


def _run(program: Program, end: int | None = None) -> tuple[int, dict[str, Kind]]:
    """Execute statements up to the first that is not valid: its index, or their number, and the kinds before it."""
    kinds = input_kinds(program)
    for line, statement in enumerate(program.statements[:end]):
        kind = result_kind(statement, kinds)
        if kind is None:
            return line, kinds
        kinds[statement.target] = kind
    return len(program.statements), kinds


def is_valid(program: Program) -> bool:
    """Whether it is a program; `check` says what is wrong, which takes longer."""
    line, kinds = _run(program)
    return line == len(program.statements) and all(kinds.get(name) is Kind.TREE for name in program.outputs)


def check(program: Program) -> Problem | None:
    """The first problem of a program, or `None` for a valid one."""
    line, kinds = _run(program)
    if line < len(program.statements):
        return Problem(line, statement_problem(program.statements[line], kinds))
    for name in program.outputs:
        if name not in kinds:
            return Problem(None, f"`{name}` is returned but never assigned")
        if kinds[name] is not Kind.TREE:
            return Problem(None, f"`{name}` must be a tree (shaped like `w`), and is a {kinds[name]}")
    return None
