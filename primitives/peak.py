"""Conversion of programs to a schedule with the peak 1, which exported code uses.

On the tasks of this project `lr` is a learning rate with the peak `PEAK`, and a program multiplies it by a constant.
Exported code takes a learning rate and a schedule with the peak 1, as is customary in optax.
"""

from primitives.dataflow import flow
from primitives.program import LEARNING_RATE, PEAK, Program, Statement, float32


def relative_to_peak(program: Program) -> Program:
    """Convert a program so that its updates for `lr = s` equal those of `program` for `lr = PEAK · s`.

    If the program only multiplies `lr` by constants, these absorb the factor `PEAK`. Otherwise a first statement
    multiplies `lr` by it.

    >>> from primitives import builtin, to_text
    >>> print(to_text(relative_to_peak(builtin("sgd"))).splitlines()[1].strip())
    lr = lr * 0.1
    """
    readers = [line for line, sources in enumerate(flow(program).arguments) if LEARNING_RATE in sources]
    if not readers:
        return program
    if all(_is_factor(program.statements[line]) for line in readers):
        statements = [
            _scaled(statement) if line in readers else statement for line, statement in enumerate(program.statements)
        ]
    else:
        statements = [Statement(LEARNING_RATE, "multiply", (LEARNING_RATE, float32(PEAK))), *program.statements]
    return program._replace(statements=tuple(statements))


def _is_factor(statement: Statement) -> bool:
    return statement.primitive == "multiply" and any(isinstance(one, float) for one in statement.arguments)


def _scaled(statement: Statement) -> Statement:
    arguments = tuple(float32(one * PEAK) if isinstance(one, float) else one for one in statement.arguments)
    return statement._replace(arguments=arguments)
