"""Shortening: from what a program computes to the shortest graph for it that the rules lead to.

There are two ways to begin: with the graph as it stands, and with everything multiplied out. On each, rules that do
not always pay are applied one by one wherever the program gets no longer by it, until none applies any more.
"""

from collections.abc import Iterator
from typing import NamedTuple

from primitives import UPDATE
from simplify.emission import Emission
from simplify.expansion import Expanding
from simplify.memory import Memory
from simplify.notation import text
from simplify.rule import Exactness, Rule, Use
from simplify.rules import SHORT, RuleSet, rule_set
from simplify.steps import Step
from simplify.terms import Firing, Graph
from simplify.work import Exhausted, Work

_CLIMBS = (Use.GAINFUL, Use.PULLING, Use.FACTORING)


class Way(NamedTuple):
    """A graph with the roots of a program, and how they were found.

    Attributes:
        graph: where the roots are.
        roots: the update and the next value of each live slot, by name.
        steps: of the derivation.
        length: statements that it takes to write the roots.
        complete: whether the limit of work was not reached.
    """

    graph: Graph
    roots: dict[str, int]
    steps: tuple[Step, ...]
    length: int
    complete: bool


def shortened(memory: Memory, exactness: tuple[Exactness, ...], work: Work) -> Way:
    """The shorter of the two ways.

    Raises:
        Exhausted: the limit of work was reached before either.
    """
    graph = memory.graph
    plain = _climbed(graph, _live(graph, memory.roots), (), exactness)
    try:
        with work.at_most(work.left // 2):
            out = _multiplied_out(memory, exactness, work)
    except Exhausted:
        return plain._replace(complete=False)
    if out is None:
        return plain
    best = out if out.length < plain.length else plain
    return best._replace(complete=plain.complete and out.complete)


def _multiplied_out(memory: Memory, exactness: tuple[Exactness, ...], work: Work) -> Way | None:
    source = Expanding(exactness, memory.nonnegative, work=work)
    after = memory.roots_in(source)
    graph = Graph(rule_set(SHORT, exactness), memory.nonnegative, work)
    numbers = source.rebuilt(list(after.values()), graph, {})
    roots = dict(zip(after, numbers, strict=True))
    steps = [
        Step("multiplied out, like terms collected", text(memory.graph, memory.roots[name]), written, Exactness.EXACT)
        for name, node in roots.items()
        if (written := text(graph, node)) != text(memory.graph, memory.roots[name])
    ]
    graph.log.clear()
    if all(graph.key(node)[0] == memory.graph.key(memory.roots[name])[0] for name, node in roots.items()):
        return None  # it is what it was before
    return _climbed(graph, _live(graph, roots), tuple(steps), exactness)


def _climbed(graph: Graph, roots: dict[str, int], steps: tuple[Step, ...], exactness: tuple[Exactness, ...]) -> Way:
    """Apply rules that do not always pay wherever they do."""
    rules = rule_set(_CLIMBS, exactness)
    firings = list(graph.log)
    length = Emission(graph, roots).length
    complete = True
    try:
        while True:
            better = _better(graph, rules, roots, length)
            if better is None:
                break
            roots, length, fired = better
            firings += fired
    except Exhausted:
        complete = False
    graph.work.left = max(graph.work.left, 0)
    fired_texts = dict.fromkeys(
        (firing.rule, text(graph, firing.before), text(graph, firing.after)) for firing in firings
    )
    fired_steps = [Step(rule.law, before, after, rule.exactness) for rule, before, after in fired_texts]
    return Way(graph, roots, (*steps, *fired_steps), length, complete)


def _better(
    graph: Graph, rules: RuleSet, roots: dict[str, int], length: int
) -> tuple[dict[str, int], int, list[Firing]] | None:
    """Roots after the first rule that pays, with their length and the rules that were applied."""
    for rule, node, new, start in _chances(graph, rules, roots):
        changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
        if changed == roots:
            continue
        gain = length - Emission(graph, changed).length
        if gain > 0 or (gain == 0 and rule.use is not Use.GAINFUL):
            return changed, length - gain, [Firing(rule, node, new), *graph.log[start:]]
    return None


def _chances(graph: Graph, rules: RuleSet, roots: dict[str, int]) -> Iterator[tuple[Rule, int, int, int]]:
    """Every way in which a rule applies: the rule, the node, its result, and where the log stood before."""
    for node in graph.order(roots.values()):
        for rule in rules.fitting(graph.nodes[node].function, graph.arguments(node)):
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
