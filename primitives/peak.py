"""Programs as functions of a schedule whose peak is 1, which is how exported code takes the learning rate.

On the tasks of this project `lr` is a learning rate with the peak `PEAK`, and a program multiplies it by a constant.
Exported code takes a schedule with the peak 1 and a learning rate, as is customary elsewhere.
"""

from primitives.dataflow import flow
from primitives.program import LEARNING_RATE, PEAK, Program, Statement, float32


def relative_to_peak(program: Program) -> Program:
    """The program that gives for a schedule s the updates that `program` gives for `lr = PEAK · s`.

    Constants that `lr` is multiplied by take up the factor, if `lr` is read for nothing else. Otherwise a statement in
    front multiplies `lr` by it.

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
