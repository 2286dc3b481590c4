"""Programs like those of a search: mutated descendants of AdamW, no two of the same structure."""

from collections.abc import Iterator

from primitives import PAPER, REGISTRY, Program, builtin, structure_hash
from search.algorithms import Mutator
from search.engine import Draws
from search.settings import Mutations

_GENERATIONS = 60  # length of a line of descent


def descendants(seed: int) -> Iterator[Program]:
    """An infinite sequence of descendants of AdamW, no two with the same live structure.

    Constants are not part of the structure, so that no program can use the compilation of another.

    Example:
        >>> from itertools import islice
        >>> len({structure_hash(program) for program in islice(descendants(1), 20)})
        20
    """
    mutator = Mutator([REGISTRY[name] for name in PAPER], Mutations(delete=0.3).model_dump())
    program, number = builtin("adamw"), 0
    seen: set[str] = set()
    while True:
        number += 1
        parent = program if number % _GENERATIONS else builtin("adamw")
        program = mutator.child(parent, Draws(seed, number)).program
        if structure_hash(program) not in seen:
            seen.add(structure_hash(program))
            yield program
