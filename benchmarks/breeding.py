"""The rate at which children are bred: mutate, check, find the live part, hash."""

import time
from typing import Any

from benchmarks.limits import Limit, Section, table
from primitives import PAPER, REGISTRY, builtin, functional_hash, live
from search.algorithms import Mutator
from search.engine import Draws
from search.settings import Mutations

CHILDREN = 20_000
LINES = 50  # lines of descent; the programs have all ages
RATE = 5_000  # least children bred per second
CHANGED = 0.9  # least share of children whose text differs from that of the parent
DIFFERENT = 0.2  # least share of children that compute the same as no other child


def breeding_rate(children: int = CHILDREN) -> dict[str, Any]:
    """Children bred per second of CPU time, along lines of descent from AdamW, and the shares of changed ones."""
    mutator = Mutator([REGISTRY[name] for name in PAPER], Mutations().model_dump())
    line = [builtin("adamw")] * LINES
    statements = dropped = changed = 0
    hashes = []
    before = time.process_time()
    for number in range(children):
        parent = line[number % LINES]
        child = mutator.child(parent, Draws(0, 0, number))
        live(child.program)
        hashes.append(functional_hash(child.program))
        dropped += child.dropped
        changed += child.program != parent
        statements += len(child.program.statements)
        line[number % LINES] = child.program if len(child.program.statements) < 30 else builtin("adamw")
    seconds = time.process_time() - before
    return {
        "rate": children / seconds,
        "statements": statements / children,
        "dropped": dropped / children,
        "changed": changed / children,
        "different": len(set(hashes)) / children,
    }


def section(children: int = CHILDREN) -> Section:
    """Breed, and state the limits."""
    row = breeding_rate(children)
    heads = ["children per second on one core", "at least", "statements per child", "invalid drafts per child"]
    heads += ["changed", "different"]
    shares = f"{row['changed']:.0%}", f"{row['different']:.0%}"
    cells = [f"**{row['rate']:,.0f}**", f"{RATE:,}", f"{row['statements']:.1f}", f"{row['dropped']:.2f}", *shares]
    lines = [
        "## Breeding: mutate, check, find the live part, hash",
        "",
        "*Changed*: children whose text differs from the parent's; *different*: functional hashes per child.",
        "",
        *table(heads, [cells], left=0),
    ]
    limits = [
        Limit("children bred per second", row["rate"], RATE, at_least=True, speed=True),
        Limit("share of children that differ from their parent", row["changed"], CHANGED, at_least=True),
        Limit("functional hashes per child", row["different"], DIFFERENT, at_least=True),
    ]
    return Section(lines, limits)
