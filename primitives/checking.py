"""Is it a program? Execution on kinds instead of arrays finds undefined variables and wrong kinds."""

from typing import NamedTuple

from primitives.errors import nearest
from primitives.kinds import Kind
from primitives.program import LEARNING_RATE, Program, Statement
from primitives.registry import REGISTRY, Primitive, describe_kinds


class Problem(NamedTuple):
    """Why a program is not valid: the index of the statement (`None`: the return), and a message."""

    statement: int | None
    message: str


def input_kinds(program: Program) -> dict[str, Kind]:
    """Kinds before the first statement: `lr` is a scalar, every other input a tree."""
    return {name: Kind.SCALAR if name == LEARNING_RATE else Kind.TREE for name in program.inputs}


def statement_problem(statement: Statement, kinds: dict[str, Kind]) -> str | None:
    """What is wrong with a statement where variables have the given kinds; `None` if nothing is."""
    row = REGISTRY[statement.primitive]
    for argument, accepted in zip(statement.arguments, row.accepts, strict=True):
        kind = kinds.get(argument) if isinstance(argument, str) else Kind.SCALAR
        if kind in accepted:
            continue
        if kind is None:
            return f"undefined variable `{argument}`{nearest(str(argument), kinds)}"
        return f"`{row.name}` wants a {describe_kinds(accepted)} here, and `{argument}` is a {kind}"
    return None


def result_kind(row: Primitive, statement: Statement, kinds: dict[str, Kind]) -> Kind:
    """Kind of what a valid statement assigns, where variables have the given kinds."""
    if row.result is not None:
        return row.result
    return max((kinds[a] for a in statement.arguments if isinstance(a, str)), default=Kind.SCALAR)


def kinds_before(program: Program, line: int) -> dict[str, Kind]:
    """Kinds of all variables that are defined before statement `line` of a valid program."""
    kinds = input_kinds(program)
    for statement in program.statements[:line]:
        kinds[statement.target] = result_kind(REGISTRY[statement.primitive], statement, kinds)
    return kinds


def check(program: Program) -> Problem | None:
    """The first problem of a program, or `None` for a valid one."""
    kinds = input_kinds(program)
    for line, statement in enumerate(program.statements):
        message = statement_problem(statement, kinds)
        if message is not None:
            return Problem(line, message)
        kinds[statement.target] = result_kind(REGISTRY[statement.primitive], statement, kinds)
    for name in program.outputs:
        if name not in kinds:
            return Problem(None, f"`{name}` is returned but never assigned")
        if kinds[name] is not Kind.TREE:
            return Problem(None, f"`{name}` must be a tree (shaped like `w`), and is a {kinds[name]}")
    return None
