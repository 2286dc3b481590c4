"""Exact simplification: the shortest program that the rules lead to, with every step that led there.

Each pass reads the program as a graph, twice: as it stands, and with everything multiplied out, which undoes whatever
order its author had in mind. From both the rules look for something shorter until none applies, and the shorter
result is written back as statements. Passes are repeated until nothing changes, so that simplifying twice is
simplifying once; a pass that would make a program longer is not made. The result is run beside the original on
probes, and rules that are not exact without reservation are given up where that shows a difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from primitives.checking import check
from primitives.dataflow import live, live_part
from primitives.program import UPDATE, Program
from primitives.text import statement_text, to_text
from simplify.emission import Emission
from simplify.expansion import Expanding
from simplify.memory import Memory
from simplify.probes import GUARDED, TOLERANCE, agree
from simplify.rules import SHORT, Exactness, Rule, Use, by_root
from simplify.steps import Step
from simplify.terms import Firing, Graph

_PASSES = 20
_CLIMBS = 400  # steps of one pass; programs of a hundred statements take a few dozen
_RESERVATIONS = (tuple(Exactness), (Exactness.EXACT, Exactness.GUARD), (Exactness.EXACT,))


@dataclass(frozen=True)
class Simplified:
    """Result of simplification.

    Attributes:
        program: equal to the original but shorter, its live slots named first.
        steps: how it came about.
        slots: for each slot of the original whose values the result still holds, what it is called there.
    """

    program: Program
    steps: tuple[Step, ...]
    slots: Mapping[str, str]


@lru_cache(maxsize=1024)
def simplify(program: Program) -> Simplified:
    """Simplify a valid program exactly.

    >>> from primitives import builtin, to_text
    >>> print(to_text(simplify(builtin("lion_raw")).program))
    def train(w, g, m, v, lr):
        x1 = clip(g, lr)
        x2 = arcsin(x1)
        update = interp(x2, m, 0.9)
        m = interp(x2, m, 0.99821967)
        update = sign(update)
        decay = w * 0.46019784
        update = update + decay
        rate = lr * 0.00021717617
        update = update * rate
        return update, m, v
    <BLANKLINE>
    """
    dead = _dead_steps(program)
    bare = live_part(program)
    for exactness in _RESERVATIONS:
        found = _to_the_end(bare, exactness)
        guarded = any(step.exactness == Exactness.GUARD for step in found.steps)
        if agree(bare, found.program, found.slots, GUARDED if guarded else TOLERANCE):
            return Simplified(found.program, (*dead, *found.steps), found.slots)
    return Simplified(bare, dead, {slot: slot for slot in live(bare).slots})


def _dead_steps(program: Program) -> tuple[Step, ...]:
    lines = live(program).lines
    return tuple(
        Step("no update depends on it", statement_text(statement), "", Exactness.EXACT)
        for line, statement in enumerate(program.statements)
        if line not in lines
    )


def _to_the_end(program: Program, exactness: tuple[Exactness, ...]) -> Simplified:
    """Passes until one changes nothing, or leads back to where one was: then the first of the circle in order."""
    seen = [Simplified(program, (), {slot: slot for slot in live(program).slots})]
    while len(seen) <= _PASSES:
        last = seen[-1]
        found = _pass(last.program, exactness)
        programs = [one.program for one in seen]
        if found.program in programs:
            return min(seen[programs.index(found.program) :], key=lambda one: to_text(one.program))
        slots = {old: found.slots[name] for old, name in last.slots.items() if name in found.slots}
        seen.append(Simplified(found.program, (*last.steps, *found.steps), slots))
    return seen[-1]


def _pass(program: Program, exactness: tuple[Exactness, ...]) -> Simplified:
    """The shorter of two ways of simplifying, with the live slots named first; the program if both are longer."""
    memory = Memory(program, exactness)
    found = min((_way(memory, exactness, out) for out in (False, True)), key=lambda way: way[0].length)
    draft = found[0].program(program.slots)
    if check(draft) is not None or len(draft.statements) > len(live(program).lines):
        return Simplified(program, (), {slot: slot for slot in live(program).slots})
    names = dict(zip(live(draft).slots, draft.slots, strict=False))
    kept = {slot: names[kept] for slot, kept in memory.kept.items() if kept in names}
    return Simplified(draft.renamed(names), (*memory.steps, *found[1]), kept)


def _way(memory: Memory, exactness: tuple[Exactness, ...], multiplied_out: bool) -> tuple[Emission, list[Step]]:
    """Read a program as it stands or multiplied out, and shorten it."""
    graph = Graph(by_root(SHORT, exactness), memory.nonnegative)
    if multiplied_out:
        source = Expanding(exactness, memory.nonnegative)
        before, after = memory.roots(graph), memory.roots(source)
        numbers = source.rebuilt(list(after.values()), graph, {})
        pairs = zip(before, before.values(), numbers, strict=True)
        steps = [
            Step("multiplied out, like terms collected", graph.text(old), graph.text(new), Exactness.EXACT)
            for _, old, new in pairs
            if old != new
        ]
        graph.log.clear()
        roots = dict(zip(after, numbers, strict=True))
    else:
        roots, steps = memory.roots(graph), []
    roots, firings = _climb(graph, _live(graph, roots), exactness)
    fired = dict.fromkeys((firing.rule, firing.before, firing.after) for firing in firings)
    steps += [Step(rule.law, before, after, rule.exactness) for rule, before, after in fired]
    return Emission(graph, roots), steps


def _climb(
    graph: Graph, roots: dict[str, int], exactness: tuple[Exactness, ...]
) -> tuple[dict[str, int], list[Firing]]:
    """Apply rules that do not always pay wherever they do."""
    rules = by_root((Use.GAINFUL, Use.PULLING, Use.FACTORING), exactness)
    firings = list(graph.log)
    length = Emission(graph, roots).length
    for _ in range(_CLIMBS):
        for rule, node, new, start in _chances(graph, rules, roots):
            changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
            gain = length - Emission(graph, changed).length
            if changed != roots and (gain > 0 or (gain == 0 and rule.use is not Use.GAINFUL)):
                firings += [Firing(rule, graph.text(node), graph.text(new)), *graph.log[start:]]
                roots, length = changed, length - gain
                break
        else:
            break
    return roots, firings


def _chances(
    graph: Graph, rules: Mapping[str, Sequence[Rule]], roots: Mapping[str, int]
) -> Iterator[tuple[Rule, int, int, int]]:
    """Every way in which a rule applies: the rule, the node, its result, and where the log stood before."""
    for node in graph.order(roots.values()):
        for rule in rules.get(graph.nodes[node].function, ()):
            start = len(graph.log)
            for new in rule.results(graph, node):
                yield rule, node, new, start
                start = len(graph.log)


def _live(graph: Graph, roots: dict[str, int]) -> dict[str, int]:
    """The update and the slots that it still depends on."""
    wanted = [UPDATE]
    for name in wanted:
        leaves = {graph.nodes[node].leaf for node in graph.order([roots[name]])}
        wanted += [slot for slot in roots if slot in leaves and slot not in wanted]
    return {name: node for name, node in roots.items() if name in wanted}
