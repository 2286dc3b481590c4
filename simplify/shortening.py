"""Shortening: the search for the shortest graph of a program that the rules reach.

There are two starting points: the graph as written, and the graph multiplied out. From each, rules that may lengthen a
program are applied one by one at the places where they do not, until no rule applies.
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
    """A graph of a program, and the steps that led to it.

    Attributes:
        graph: the graph of the roots.
        roots: nodes of the update and of the next value of each live slot, by name.
        steps: steps of the derivation.
        length: number of statements of the roots.
        complete: false if the limit of work was reached.
    """

    graph: Graph
    roots: dict[str, int]
    steps: tuple[Step, ...]
    length: int
    complete: bool


def shortened(memory: Memory, exactness: tuple[Exactness, ...], work: Work) -> Way:
    """The shorter of the results from both starting points.

    Raises:
        Exhausted: the limit of work was reached before either was found.
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
        return None  # nothing was multiplied out
    return _climbed(graph, _live(graph, roots), tuple(steps), exactness)


def _climbed(graph: Graph, roots: dict[str, int], steps: tuple[Step, ...], exactness: tuple[Exactness, ...]) -> Way:
    """Apply rules that may lengthen a program at the places where they do not."""
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
    """The roots after the first rule that makes the program shorter, their length, and the applied rules."""
    for rule, node, new, start in _chances(graph, rules, roots):
        changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
        if changed == roots:
            continue
        gain = length - Emission(graph, changed).length
        if gain > 0 or (gain == 0 and rule.use is not Use.GAINFUL):
            return changed, length - gain, [Firing(rule, node, new), *graph.log[start:]]
    return None


def _chances(graph: Graph, rules: RuleSet, roots: dict[str, int]) -> Iterator[tuple[Rule, int, int, int]]:
    """Each application of a rule: the rule, the node, its result, and the length of the log before."""
    for node in graph.order(roots.values()):
        for rule in rules.fitting(graph.nodes[node].function, graph.arguments(node)):
            start = len(graph.log)
            for new in rule.results(graph, node):
                yield rule, node, new, start
                start = len(graph.log)


def _live(graph: Graph, roots: dict[str, int]) -> dict[str, int]:
    """The update, and the slots on which it depends."""
    wanted = [UPDATE]
    for name in wanted:
        leaves = {graph.nodes[node].leaf for node in graph.order([roots[name]])}
        wanted += [slot for slot in roots if slot in leaves and slot not in wanted]
    return {name: node for name, node in roots.items() if name in wanted}
