"""How fast children are bred: mutate, check, find the live part, hash."""

import time
from typing import Any

from primitives import PAPER, REGISTRY, builtin, functional_hash, live
from search.algorithms.mutation import Mutator
from search.engine.randomness import Draws
from search.settings.config import Mutations

CHILDREN = 20_000
LINES = 50  # lines of descent, so that programs of all ages take part


def breeding_rate() -> dict[str, Any]:
    """Children a second of CPU time, along lines of descent that start at AdamW."""
    mutator = Mutator([REGISTRY[name] for name in PAPER], Mutations().model_dump())
    line = [builtin("adamw")] * LINES
    statements = dropped = 0
    before = time.process_time()
    for number in range(CHILDREN):
        child = mutator.child(line[number % LINES], Draws(0, 0, number))
        live(child.program)
        functional_hash(child.program)
        dropped += child.dropped
        statements += len(child.program.statements)
        line[number % LINES] = child.program if len(child.program.statements) < 30 else builtin("adamw")
    seconds = time.process_time() - before
    return {
        "children a second": CHILDREN / seconds,
        "statements a child": statements / CHILDREN,
        "invalid drafts a child": dropped / CHILDREN,
    }
