"""Pruning: statements of an admitted program are removed, one at a time, as long as its fitness does not get worse.

Operators that add several statements, or two operators in a row, can add near-identities together with useful
statements, such as `arcsin(update)` for a small update. Each single deletion is tried with unchanged constants.
"""

from collections.abc import Iterator

from primitives import Program, is_valid, live_part
from search.algorithms.edits import bypassed
from search.algorithms.structures.climbing import side_by_side
from search.algorithms.structures.measures import Measures
from selection import Work

_CLIMBING = 0.01  # largest increase of the fitness on climbing seeds at which a deletion is judged
_EITHER = 0.003  # largest increase of both fitnesses, on climbing and judging seeds, at which a deletion is kept


def deletions(program: Program) -> Iterator[Program]:
    """Programs without one statement, whose readers read one of its arguments.

    >>> from primitives import builtin
    >>> len(list(deletions(builtin("sgd"))))
    1
    """
    bare = live_part(program)
    seen: set[Program] = set()
    for line, statement in enumerate(bare.statements):
        for argument in dict.fromkeys(arg for arg in statement.arguments if isinstance(arg, str)):
            draft = bypassed(bare, line, argument)
            if not is_valid(draft):
                continue
            shorter = live_part(draft)
            if shorter.statements and shorter not in seen and len(shorter.statements) < len(bare.statements):
                seen.add(shorter)
                yield shorter


def pruned(program: Program, measures: Measures, block: int) -> Work[Program]:
    """The program without statements that do not improve its fitness."""

    def judged(draft: Program) -> Work[float]:
        return (yield from measures.judged(draft, block)) + measures.price(draft)

    climbing = (yield from measures.climbing(program)).fitness
    judging = yield from judged(program)
    while True:
        drafts = list(deletions(program))
        values = yield from side_by_side([measures.climbing(draft) for draft in drafts])
        close = [
            (v.fitness, draft) for v, draft in zip(values, drafts, strict=True) if v.fitness <= climbing + _CLIMBING
        ]
        found = yield from side_by_side([judged(draft) for _, draft in close])
        better = [
            (value + other, value, other, place)
            for place, ((value, _), other) in enumerate(zip(close, found, strict=True))
            if value + other < climbing + judging or (value < climbing + _EITHER and other < judging + _EITHER)
        ]
        if not better:
            return program
        _, climbing, judging, place = min(better)
        program = close[place][1]
