"""Splices of statements, shared by the operators that make a child of a program."""

from collections.abc import Iterable, Iterator

from primitives import Argument, Program, Statement, input_kinds


def spliced(program: Program, first: int, end: int, *statements: Statement) -> Program:
    """The program with statements `first … end − 1` replaced."""
    return program._replace(statements=(*program.statements[:first], *statements, *program.statements[end:]))


def with_argument(program: Program, line: int, place: int, argument: Argument) -> Program:
    """The program with one argument of one statement replaced."""
    statement = program.statements[line]
    arguments = (*statement.arguments[:place], argument, *statement.arguments[place + 1 :])
    return spliced(program, line, line + 1, statement._replace(arguments=arguments))


def names_of(program: Program) -> dict[str, None]:
    """Every variable of a program, in order of appearance: targets, then inputs."""
    return {statement.target: None for statement in program.statements} | dict.fromkeys(input_kinds(program))


def fresh_names(used: Iterable[str]) -> Iterator[str]:
    """The names `x1`, `x2`, … that are not in use."""
    taken, number = set(used), 0
    while True:
        number += 1
        if f"x{number}" not in taken:
            yield f"x{number}"


def bypassed(program: Program, line: int, variable: str) -> Program:
    """The program without a statement; statements that read its value read a variable instead.

    Args:
        program: a valid program.
        line: index of the statement.
        variable: one of its arguments.
    """
    target = program.statements[line].target
    rest: list[Statement] = []
    rewired = True
    for statement in program.statements[line + 1 :]:
        if rewired:
            arguments = tuple(variable if argument == target else argument for argument in statement.arguments)
            rest.append(statement._replace(arguments=arguments))
        else:
            rest.append(statement)
        if statement.target in (target, variable):
            rewired = False
    return program._replace(statements=(*program.statements[:line], *rest))
